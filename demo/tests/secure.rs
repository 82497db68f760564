//! `demo secure`, run as a user runs it.

#![cfg(unix)]

mod support;

use support::demo;

#[test]
fn one_call_is_allowed_one_is_refused_and_both_impostors_are_turned_away() {
    let ended = demo(&["secure"]).succeeded();
    assert!(ended.stdout.contains("wss://localhost:"), "{ended:?}");
    // A row may go over several lines; the first has the outcome.
    let row = |who: &str| {
        let row = ended.stdout.lines().find(|line| line.starts_with(&format!("│ {who} ")));
        row.unwrap_or_else(|| panic!("no row of {who}: {ended:?}"))
    };
    for (who, outcome) in [
        ("alice", "allowed"),
        ("bob", "refused"),
        ("mallory", "turned away"),
        ("mallory's server", "not spoken to"),
    ] {
        assert!(row(who).contains(outcome), "{ended:?}");
    }
    assert!(ended.stdout.contains("article 1"), "{ended:?}");
    assert!(ended.stdout.contains("role = editor"), "{ended:?}");
}
