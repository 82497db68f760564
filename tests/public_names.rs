//! The public names of the crates are those of `tests/public_names.txt`, and for each name of the
//! facade the list says where a user meets it.

#![allow(clippy::unwrap_used, reason = "in a test, to panic is to fail")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

const LIST: &str = include_str!("public_names.txt");

/// The names that a `lib.rs` exports by `pub use` and `pub mod`.
fn exports(source: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let (mut module, mut open) = (String::new(), String::new());
    for line in source.lines() {
        let code = line.trim();
        if line == "}" {
            module.clear();
        } else if let Some(name) = code.strip_prefix("pub mod ") {
            match name.strip_suffix(" {") {
                Some(name) => module = format!("{name}::"),
                None => drop(names.insert(name.trim_end_matches(';').to_owned())),
            }
        } else if code.starts_with("pub use ") || !open.is_empty() {
            open.push_str(code);
            if let Some(path) = open.strip_suffix(';') {
                names.extend(imported(path).map(|name| format!("{module}{name}")));
                open.clear();
            }
        }
    }
    names
}

/// The names at the end of `pub use a::{b, c}` or `pub use a::b`.
fn imported(path: &str) -> impl Iterator<Item = &str> {
    let names = match path.split_once('{') {
        Some((_, names)) => names.trim_end_matches('}'),
        None => path.rsplit([':', ' ']).next().unwrap_or_default(),
    };
    names.split(',').map(str::trim).filter(|name| !name.is_empty())
}

/// The list: for each file the names, with the text behind each.
fn listed() -> BTreeMap<&'static str, BTreeMap<&'static str, &'static str>> {
    let mut files = BTreeMap::<_, BTreeMap<_, _>>::new();
    let mut file = "";
    for line in LIST.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        match line.strip_prefix("== ") {
            Some(path) => file = path,
            None => {
                let (name, place) = line.split_once(" | ").unwrap_or((line, ""));
                files.entry(file).or_default().insert(name, place);
            }
        }
    }
    files
}

#[test]
fn public_names_are_listed() {
    for (file, names) in listed() {
        let source = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap();
        let listed: BTreeSet<_> = names.keys().map(|name| (*name).to_owned()).collect();
        let exported = exports(&source);
        let new: Vec<_> = exported.difference(&listed).collect();
        let gone: Vec<_> = listed.difference(&exported).collect();
        assert!(
            new.is_empty() && gone.is_empty(),
            "{file} exports {new:?}, which tests/public_names.txt does not list, and not {gone:?}"
        );
    }
}

#[test]
fn facade_names_say_where_users_meet_them() {
    let files = listed();
    assert!(files.len() == 6, "{:?}", files.keys());
    for (name, place) in &files["src/lib.rs"] {
        assert!(!place.is_empty(), "tests/public_names.txt does not say where a user meets `{name}`");
    }
}

/// Two names that users do not need are found if they are exported again.
#[test]
fn exports_are_read_from_source() {
    let source = "/// Text.\npub use a::b;\n#[cfg(x)]\npub use c::{\n    d, e,\n    f,\n};\npub mod g {\n    pub use h::i;\n}\npub mod j;\nmod k;\n";
    assert_eq!(exports(source).into_iter().collect::<Vec<_>>(), ["b", "d", "e", "f", "g::i", "j"]);
}
