//! Two programs that were built from two versions of one crate talk to each other. Each function
//! of the crate has one change between them, so two programs show all changes, in both directions.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

const OLD: &str = env!("CARGO_BIN_EXE_skew-old");
const NEW: &str = env!("CARGO_BIN_EXE_skew-new");

/// A process that is killed when dropped.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The client's output for each case, the skews that it received when it connected, and its log.
struct Report {
    cases: BTreeMap<String, String>,
    skews: Vec<String>,
    client_log: String,
}

impl Report {
    fn of(server: &str, client: &str) -> Self {
        let mut child =
            Command::new(server).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it was built");
        let stdout = child.stdout.take().expect("it is piped");
        let _server = Server(child);
        let mut url = String::new();
        BufReader::new(stdout).read_line(&mut url).expect("it says where it is");
        let output =
            Command::new(client).arg(url.trim()).env("RUST_LOG", "debug").output().expect("it was built");
        let client_log = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{client_log}");
        let text = String::from_utf8(output.stdout).expect("it prints text");
        let (mut cases, mut skews) = (BTreeMap::new(), Vec::new());
        for line in text.lines() {
            match line.split_once(": ") {
                Some(("skew", skew)) => skews.push(skew.to_owned()),
                Some((case, end)) => drop(cases.insert(case.to_owned(), end.to_owned())),
                None => panic!("an unexpected line: {line}"),
            }
        }
        Self { cases, skews, client_log }
    }

    /// The cases of which the server says that they ran.
    fn ran_there(&self) -> Vec<&str> {
        let list = self.cases["ran there"].strip_prefix("ran, [").and_then(|list| list.strip_suffix(']'));
        list.expect("it is a list").split(", ").map(|case| case.trim_matches('"')).collect()
    }

    #[track_caller]
    fn runs(&self, case: &str, value: &str) {
        assert_eq!(self.cases[case], format!("ran, {value}"), "{case}");
    }

    /// Nothing ran, and the error names both places.
    #[track_caller]
    fn is_skewed(&self, case: &str, ours: &str, theirs: &str) {
        let end = &self.cases[case];
        assert!(end.starts_with("Never, "), "{case}: {end}");
        for part in [ours, theirs, "version"] {
            assert!(end.contains(part), "{case}: `{part}` is not in: {end}");
        }
    }

    #[track_caller]
    fn is_unknown(&self, case: &str, ours: &str) {
        let end = &self.cases[case];
        assert!(end.starts_with("Never, "), "{case}: {end}");
        assert!(end.contains("does not have this block") && end.contains(ours), "{case}: {end}");
    }
}

/// The cases whose blocks have two versions, and the files that contain them.
const CHANGED: [(&str, &str); 12] = [
    ("inserted", "lib.rs"),
    ("capture type", "lib.rs"),
    ("field", "lib.rs"),
    ("variant", "lib.rs"),
    ("result", "lib.rs"),
    ("named interface", "lib.rs"),
    ("inserted twin", "blocks.rs"),
    ("swapped", "blocks.rs"),
    ("swapped types", "blocks.rs"),
    ("exact body", "blocks.rs"),
    ("exact function", "blocks.rs"),
    ("capture name", "blocks.rs"),
];

/// Those of which only data changed.
const CHANGED_DATA: [&str; 3] = ["field name", "grown unmarked", "evolved type"];

impl Report {
    /// All changed blocks are refused, and no part of them ran.
    #[track_caller]
    fn refuses_all_that_changed(&self, ours: &str, theirs: &str) {
        let data = CHANGED_DATA.map(|case| (case, "data.rs"));
        for (case, file) in CHANGED.into_iter().chain(data) {
            let place = |version: &str| format!("tests/skew/{version}/src/{file}:");
            self.is_skewed(case, &place(ours), &place(theirs));
        }
    }

    /// The refusal says this of the difference.
    #[track_caller]
    fn names(&self, case: &str, difference: &str) {
        let end = &self.cases[case];
        assert!(end.contains(difference), "{case}: `{difference}` is not in: {end}");
    }
}

#[test]
fn each_change_is_refused_by_the_new_version_and_nothing_ran() {
    let report = Report::of(NEW, OLD);
    report.refuses_all_that_changed("old", "new");
    report.is_unknown("renamed", "`app::renamed#0` (tests/skew/old/src/lib.rs:");
    report.is_unknown("left out", "`app::blocks::left_out#0`");
    report.runs("harmless", "5");
    report.runs("body", "2");
    report.runs("named body", "10");
    // Its body is not compiled in the caller, and is another one.
    report.runs("conditional body", "11");
    report.runs("alike", "2");
    report.runs("grown", "Parcel { weight: 8, items: [Item { name: \"book\" }] }");
    let ran = ["body", "harmless", "conditional body", "alike small", "alike large", "grown", "named body"];
    assert_eq!(report.ran_there(), ran);
    report.names("field", "field `currency` of `Money` is new there; this program is older (there 0.2.0)");
    report.names("variant", "variant `Cancelled` of `State` is new there");
    report.names("capture type", "capture `n` is `i32` there and `u32` here");
    report.names("result", "field `currency` of `Money` is new there");
    report
        .names("field name", "field `left` of `Point` is new there; field `x` of `Point` is missing there;");
    report.names("evolved type", "field `value` of `Reading` is `text` there and `u32` here");
    report.names("capture name", "it captures [number] there and [n] here");
    report.names("inserted twin", "the blocks of its function differ in number");
    for case in ["swapped", "exact body", "exact function"] {
        report.names(case, "its body differs, and counts");
    }
}

#[test]
fn each_change_is_refused_by_the_old_version_and_nothing_ran() {
    let report = Report::of(OLD, NEW);
    report.refuses_all_that_changed("new", "old");
    report.is_unknown("renamed", "`app::with_another_name#0` (tests/skew/new/src/lib.rs:");
    report.is_unknown("conditional body", "`app::blocks::conditional_body#0`");
    report.runs("harmless", "5");
    report.runs("body", "1");
    report.runs("named body", "1");
    report.runs("left out", "2");
    report.runs("alike", "1");
    report.runs("grown", "Parcel { weight: 8, note: \"\", items: [Item { name: \"book\", tags: [] }] }");
    let ran = ["body", "harmless", "left out", "alike small", "alike large", "grown", "named body"];
    assert_eq!(report.ran_there(), ran);
    report
        .names("field", "field `currency` of `Money` is missing there; that program is older (there 0.1.0)");
}

#[test]
fn the_differences_are_known_and_logged_once_when_the_two_connect() {
    let report = Report::of(NEW, OLD);
    let paths = [
        "blocks::capture_name#0",
        "blocks::exact_body#0",
        "blocks::exact_function#0",
        "blocks::inserted_twin#0",
        "blocks::swapped#0",
        "blocks::swapped#1",
        "blocks::swapped_types#0",
        "blocks::swapped_types#1",
        "capture_type#0",
        "data::evolved_type#0",
        "data::field_name#0",
        "data::grown_unmarked#0",
        "field#0",
        "inserted#0",
        "named_interface#0",
        "renamed#0",
        "result#0",
        "variant#0",
    ];
    let skewed: Vec<_> = report.skews.iter().filter_map(|skew| skew.split('`').nth(1)).collect();
    assert_eq!(skewed, paths.map(|path| format!("app::{path}")));
    let logged = |text: &str| report.client_log.lines().filter(|line| line.contains(text)).count();
    assert_eq!(logged(" WARN "), 0, "{}", report.client_log);
    assert_eq!(logged("program with other versions of blocks connected"), 1, "{}", report.client_log);
    assert_eq!(logged("changed=17 missing=1"), 1, "{}", report.client_log);
    assert_eq!(logged("block changed"), paths.len() - 1, "{}", report.client_log);
    assert_eq!(logged("the remote program does not have this block"), 1, "{}", report.client_log);
    for skew in report.skews.iter().filter(|skew| !skew.ends_with("missing there")) {
        let parts = skew.split(['`', '(', ')', ' ']).filter(|part| part.contains(".rs:") || part.len() == 16);
        for part in parts {
            assert!(report.client_log.contains(part), "`{part}` is not in: {}", report.client_log);
        }
    }
    // The function with another name, and the second blocks of those into which one was inserted.
    assert_eq!(logged("only the remote program has this block"), 3, "{}", report.client_log);
}

#[test]
fn two_programs_of_one_version_know_no_difference() {
    let report = Report::of(NEW, NEW);
    assert!(report.skews.is_empty());
    assert!(!report.client_log.contains("WARN") && !report.client_log.contains("different blocks"));
    for (case, end) in &report.cases {
        assert!(end.starts_with("ran, ") || case == "left out", "{case}: {end}");
    }
}
