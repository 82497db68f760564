//! Two programs that were built from two versions of one crate talk to each other. Each function of the crate has one
//! change between them, so two programs show all changes, in both directions.

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

/// What a client said of each case, the skews that it was told when it connected, and what it logged.
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

    #[track_caller]
    fn runs(&self, case: &str, value: &str) {
        assert_eq!(self.cases[case], format!("ran, {value}"), "{case}");
    }

    /// Nothing ran, and the error names both places and both versions.
    #[track_caller]
    fn is_skewed(&self, case: &str, ours: &str, theirs: &str) {
        let end = &self.cases[case];
        assert!(end.starts_with("Never, "), "{case}: {end}");
        for part in [ours, theirs, "was refused", "another version of this block", " there, ", " here"] {
            assert!(end.contains(part), "{case}: `{part}` is not in: {end}");
        }
    }

    #[track_caller]
    fn is_unknown(&self, case: &str, ours: &str) {
        let end = &self.cases[case];
        assert!(end.starts_with("Never, "), "{case}: {end}");
        assert!(end.contains("that peer does not have this block") && end.contains(ours), "{case}: {end}");
    }
}

/// The functions whose blocks have two versions.
const CHANGED: [&str; 6] = ["body", "inserted", "capture type", "field", "variant", "result"];

#[test]
fn each_change_is_refused_by_the_new_version_and_nothing_ran() {
    let report = Report::of(NEW, OLD);
    for case in CHANGED {
        report.is_skewed(case, "(tests/skew/old/src/lib.rs:", "at tests/skew/new/src/lib.rs:");
    }
    report.is_unknown("renamed", "`app::renamed#0` (tests/skew/old/src/lib.rs:");
    report.is_skewed("named interface", "tests/skew/old/src/lib.rs", "tests/skew/new/src/lib.rs");
    report.runs("harmless", "5");
    report.runs("named body", "10");
    report.runs("ran there", "[\"harmless\", \"named body\"]");
    report.is_unknown("left out", "`app::left_out#0`");
}

#[test]
fn each_change_is_refused_by_the_old_version_and_nothing_ran() {
    let report = Report::of(OLD, NEW);
    for case in CHANGED {
        report.is_skewed(case, "(tests/skew/new/src/lib.rs:", "at tests/skew/old/src/lib.rs:");
    }
    report.is_unknown("renamed", "`app::with_another_name#0` (tests/skew/new/src/lib.rs:");
    report.is_skewed("named interface", "tests/skew/new/src/lib.rs", "tests/skew/old/src/lib.rs");
    report.runs("harmless", "5");
    report.runs("named body", "1");
    // Its body is not compiled in the caller, and its version is the same all the same.
    report.runs("left out", "2");
    report.runs("ran there", "[\"harmless\", \"left out\", \"named body\"]");
}

#[test]
fn the_differences_are_known_and_logged_once_when_the_two_connect() {
    let report = Report::of(NEW, OLD);
    let paths = ["body", "capture_type", "field", "inserted", "named_interface", "result", "variant"];
    let skewed: Vec<_> = report.skews.iter().filter_map(|skew| skew.split('`').nth(1)).collect();
    assert_eq!(skewed, paths.map(|function| format!("app::{function}#0")));
    let warnings: Vec<_> = report.client_log.lines().filter(|line| line.contains(" WARN ")).collect();
    assert_eq!(warnings.len(), paths.len(), "{}", report.client_log);
    for (warning, skew) in warnings.iter().zip(&report.skews) {
        assert!(warning.contains("another version of this block: calls of it are refused"), "{warning}");
        for part in skew.split(['`', '(', ')', ' ']).filter(|part| part.contains(".rs:") || part.len() == 16)
        {
            assert!(warning.contains(part), "`{part}` is not in: {warning}");
        }
    }
    let unknown = |text: &str| report.client_log.lines().filter(|line| line.contains(text)).count();
    assert_eq!(
        unknown("that peer does not have this block block=`app::renamed#0`"),
        1,
        "{}",
        report.client_log
    );
    // The function with another name, and the second block of the one into which one was inserted.
    assert_eq!(unknown("that peer has a block that is not known here"), 2, "{}", report.client_log);
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
