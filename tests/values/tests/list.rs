//! The page "What can travel" says what the tests assert: each row has its cases, each case its
//! row, and both have the same codec.

#![allow(clippy::unwrap_used, reason = "in a test, to panic is to fail")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// What a case says of its type, or a row of its cases.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Says {
    /// As the page writes it.
    codec: String,
    /// The value alone travels by bincode.
    alone: bool,
}

fn folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The cases of all files, as `file::name`.
fn cases() -> BTreeMap<String, Says> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder().join("tests")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "rs") {
            continue;
        }
        let source = fs::read_to_string(&path).unwrap();
        let file = path.file_stem().unwrap().to_str().unwrap();
        for (list, is_refused) in [("\ncases! {\n", false), ("\nrefused! {\n", true)] {
            let Some((_, list)) = source.split_once(list) else { continue };
            for line in list.lines().take_while(|line| *line != "}") {
                let Some((name, rest)) = case(line) else { continue };
                let says = if is_refused { Says { codec: "none".into(), alone: false } } else { said(rest) };
                assert_eq!(
                    found.insert(format!("{file}::{name}"), says),
                    None,
                    "{file}::{name} stands there twice"
                );
            }
        }
    }
    found
}

/// The name of the case that begins in this line, and what follows its type.
fn case(line: &str) -> Option<(&str, &str)> {
    let line = line.strip_prefix("    ").filter(|line| line.starts_with(|c: char| c.is_ascii_lowercase()))?;
    let (name, rest) = line.split_once(": ")?;
    let is_name = name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    Some((name, rest.split_once(" = ")?.1)).filter(|_| is_name)
}

fn said(rest: &str) -> Says {
    let codec = match rest.split(' ').next().unwrap() {
        "Bincode" => "bincode",
        "Cbor" => "CBOR",
        "CborText" => "CBOR with texts",
        other => panic!("no codec: {other}"),
    };
    Says { codec: codec.to_owned(), alone: rest.contains(" alone Bincode ") }
}

/// The tests that the page names, with what their rows say.
fn rows() -> BTreeMap<String, Says> {
    let page = fs::read_to_string(folder().join("../../docs/what-can-travel.md")).unwrap();
    let mut found = BTreeMap::new();
    let rows = page.lines().filter(|line| line.starts_with('|') && !line.starts_with("|---"));
    for row in rows {
        let cells: Vec<_> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [name, codec, remarks, tests] = cells[..] else { continue };
        if tests == "test" {
            continue;
        }
        let tests: Vec<_> = tests.split('`').skip(1).step_by(2).collect();
        assert!(!name.is_empty() && !tests.is_empty(), "this row names no type or no test: {row}");
        for test in tests {
            let says = Says { codec: codec.to_owned(), alone: remarks.contains("alone by bincode") };
            assert_eq!(found.insert(test.to_owned(), says), None, "`{test}` stands in two rows");
        }
    }
    found
}

/// Each row of the page names its tests, and each test has the codec that the row says.
#[test]
fn page_says_what_tests_assert() {
    let (cases, rows) = (cases(), rows());
    assert!(cases.len() > 150, "only {} cases were found", cases.len());
    let names = |map: &BTreeMap<String, Says>| map.keys().cloned().collect::<BTreeSet<_>>();
    let (of_cases, of_rows) = (names(&cases), names(&rows));
    let only = |a: &BTreeSet<String>, b: &BTreeSet<String>| a.difference(b).cloned().collect::<Vec<_>>();
    assert_eq!(only(&of_rows, &of_cases), [""; 0], "the page names tests that do not exist");
    assert_eq!(only(&of_cases, &of_rows), [""; 0], "the page does not name these tests");
    for (name, says) in &cases {
        let row = &rows[name];
        assert_eq!(row.codec, says.codec, "the codec of `{name}`");
        assert_eq!(row.alone, says.alone, "whether `{name}` travels \"alone by bincode\"");
    }
}
