//! `demo latency`.

#![cfg(unix)]

mod support;

use support::{Demo, demo};

#[test]
fn every_kind_of_call_has_a_row_of_figures() {
    let ended = demo(&["latency", "--calls", "50"]).succeeded();
    for kind in [
        "A → A, without a socket",
        "A → B ",
        "A → B → A ",
        "A → B → A → B ",
        "┆         8 ┆",
        "┆        64 ┆",
    ] {
        assert!(ended.stdout.contains(kind), "{kind} is missing in\n{}", ended.stdout);
    }
}

#[test]
fn the_times_are_drawn_here_and_kept_as_a_page_that_needs_nothing_else() {
    let file = std::env::temp_dir().join(format!("demo-latency-{}.html", std::process::id()));
    let ended = demo(&["latency", "--calls", "50", "--html", file.to_str().unwrap()]).succeeded();
    let page = std::fs::read_to_string(&file).unwrap();
    std::fs::remove_file(&file).unwrap();
    // Each row has its most frequent time at full height, and the axis names its powers of ten.
    let drawn = ended.stdout.split("How long calls took").nth(1).unwrap();
    assert_eq!(drawn.lines().filter(|line| line.contains('█')).count(), 6, "{drawn}");
    assert!(drawn.contains('╵'), "{drawn}");
    assert_eq!(page.matches("<svg").count(), 2);
    assert_eq!(page.matches("p99 ").count(), 6);
    assert!(page.contains("A → B, 64 in flight"));
    assert!(!page.contains("src=") && !page.contains("href=") && !page.contains("url("), "it loads nothing");
}

#[test]
fn a_page_that_cannot_be_written_is_an_error() {
    demo(&["latency", "--calls", "10", "--html", "/nowhere/at/all.html"])
        .failed(1, "cannot write /nowhere/at/all.html");
}

#[test]
fn no_calls_are_nothing_to_measure() {
    demo(&["latency", "--calls", "0"]).failed(2, "--calls");
}

#[test]
fn an_interrupted_measurement_leaves_no_process() {
    let mut running = Demo::start(&["latency", "--calls", "1000000000"]);
    running.wait_for(|line| line.starts_with("A is this process").then_some(()));
    running.signal("INT");
    let ended = running.end();
    assert_eq!(ended.status.code(), Some(130), "{ended:?}");
    assert_eq!(ended.stderr, "interrupted");
}

#[test]
fn the_death_of_the_other_process_is_an_error() {
    let mut running = Demo::start(&["latency", "--calls", "1000000000"]);
    let other: u32 = running.wait_for(|line| line.rsplit_once("B is pid ")?.1.parse().ok());
    support::send_signal(other, "KILL");
    running.end().failed(1, "error: ");
}
