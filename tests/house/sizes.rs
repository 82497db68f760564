//! Files of at most 400 lines and functions of at most 60.

use std::collections::BTreeSet;
use std::fs;

use crate::{root, shown, sources};

const FILE: usize = 400;
const FUNCTION: usize = 60;

/// The most that a listed file or function may have, in times of the limit.
const LISTED: usize = 2;

/// The files that are longer, and why each is one file.
const FILES: &[(&str, &str)] = &[
    (
        "core/src/block/shape/tracer.rs",
        "one implementation of `Deserializer`: a method for each kind of value",
    ),
    ("core/src/call/here.rs", "public functions; two thirds are documentation"),
    ("core/src/call/mod.rs", "the public options of a call; two thirds are documentation"),
    ("core/src/expansion/travels.rs", "traits whose names rustc shows, with the text of each mistake"),
    ("core/src/session/mod.rs", "the entry points of the state machine, and their documentation"),
    ("core/src/wire/codec/named_tests.rs", "one table of types and their bytes"),
    ("core/src/wire/codec/tests.rs", "one table of types and their bytes"),
    (
        "core/src/wire/codec/writer/mod.rs",
        "one implementation of `Serializer`: a method for each kind of value",
    ),
    ("core/tests/session.rs", "scripts of two sessions with shared helpers"),
    ("tests/it/programs.rs", "the programs that other tests of this folder start"),
];

/// The functions that are longer, and why.
const FUNCTIONS: &[(&str, &str, &str)] = &[
    ("benches/rivals/src/workload.rs", "drive", "one loop with its measurements"),
    ("core/src/session/life.rs", "tick", "each step of time in its order"),
    ("core/src/wire/frame/mod.rs", "decode", "a table: one arm for each frame"),
    ("core/src/wire/frame/tests.rs", "frames", "a table: one of each frame"),
    ("core/tests/peers/plan.rs", "new", "a plan is drawn from a seed in one order"),
    ("demo/src/latency/page.rs", "times", "one table"),
    (
        "demo/tests/board.rs",
        "what_one_browser_adds_the_other_shows_and_each_hop_is_drawn_and_timed_in_both",
        "one script of two browsers",
    ),
    ("macros/src/expand/call.rs", "registration", "one `quote!`: the code that it writes is read as a whole"),
    ("tests/hostile/tokens.rs", "a_token_that_is_not_good_opens_nothing", "a table of tokens"),
    ("tests/logs.rs", "no_argument_result_token_claim_error_or_panic_is_logged", "one script"),
    ("tests/soak/src/parts/idle.rs", "run", "one script"),
    ("tests/soak/src/parts/terminate.rs", "run", "one script"),
];

/// The functions of a formatted file: the name and the number of lines.
fn functions(source: &str) -> Vec<(&str, usize)> {
    let lines: Vec<_> = source.lines().collect();
    let mut found = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let indent = &line[..line.len() - line.trim_start().len()];
        let Some((before, after)) = line.split_once("fn ") else { continue };
        let is_start = before
            .split_whitespace()
            .all(|word| word.starts_with("pub") || ["const", "async", "unsafe"].contains(&word));
        let name = after.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default();
        if !is_start || name.is_empty() || line.ends_with('}') || line.ends_with(';') {
            continue;
        }
        // rustfmt puts the end of a body, or of a declaration without one, at the same indentation.
        let ends = |line: &&str| {
            line.strip_prefix(indent).is_some_and(|rest| {
                rest == "}" || rest.ends_with(';') && !rest.starts_with(char::is_whitespace)
            })
        };
        let length = lines[index + 1..].iter().position(ends).unwrap_or_default();
        found.push((name, length + 2));
    }
    found
}

#[test]
fn files_and_functions_are_short() {
    let mut files = Vec::new();
    sources(root(), &mut files);
    let mut long = BTreeSet::new();
    for file in files {
        let (path, source) = (shown(&file), fs::read_to_string(&file).unwrap());
        let lines = source.lines().count();
        if lines > FILE {
            let is_listed = FILES.iter().any(|(listed, _)| *listed == path);
            assert!(is_listed && lines <= LISTED * FILE, "{path} has {lines} lines of {FILE}: split it");
            long.insert(path.clone());
        }
        for (name, lines) in functions(&source).into_iter().filter(|(_, lines)| *lines > FUNCTION) {
            let is_listed =
                FUNCTIONS.iter().any(|(listed, function, _)| *listed == path && *function == name);
            assert!(
                is_listed && lines <= LISTED * FUNCTION,
                "`{name}` of {path} has {lines} lines of {FUNCTION}: split it"
            );
            long.insert(format!("{path} {name}"));
        }
    }
    for (path, _) in FILES {
        assert!(long.contains(*path), "{path} is short now: take it off the list");
    }
    for (path, name, _) in FUNCTIONS {
        assert!(
            long.contains(&format!("{path} {name}")),
            "`{name}` of {path} is short now: take it off the list"
        );
    }
}

#[test]
fn lengths_of_functions_are_counted() {
    let source = "impl A {\n    pub fn a(&self) {\n        b();\n    }\n\n    fn c(\n        d: u8,\n    ) -> u8;\n    fn e() {}\n}\n\npub(crate) async fn f() {\n    g();\n    // no fn h\n}\n";
    assert_eq!(functions(source), [("a", 3), ("c", 3), ("f", 4)]);
}
