//! `demo wordcount`: the count is right whichever process dies.

#![cfg(unix)]

mod support;

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::process::Command;

use support::{Demo, Ended, Folder, demo, send_signal};

const EQUAL: &str = "the two counts are equal";

/// Text of more pieces than two workers have at once.
fn long_text() -> String {
    (0..200_000).map(|number| format!("word{} ", number % 1_000)).collect()
}

/// A file without content until the test writes it, so that its reader waits.
fn fifo(folder: &Folder, name: &str) -> String {
    let path = folder.join(name);
    assert!(Command::new("mkfifo").arg(&path).status().expect("`mkfifo` can be run").success());
    path.to_str().expect("a path that is text").to_owned()
}

/// The row of a worker in the table.
fn row<'a>(ended: &'a Ended, worker: &str) -> &'a str {
    let start = format!("│ {worker} ");
    ended.stdout.lines().find(|line| line.starts_with(&start)).unwrap_or_else(|| panic!("{ended:?}"))
}

#[test]
fn a_folder_is_counted_the_same_with_workers_and_without() {
    let folder = Folder::new("count");
    folder.write("one.md", "The peer, the other peer: THE end.\n");
    folder.write("two.txt", b"the na\xc3\xafve \xff peer");
    folder.write("logo.png", "the the the");
    let ended = demo(&["wordcount", "--peers", "2", folder.path()]).succeeded();
    assert!(ended.stdout.contains("2 files"), "{ended:?}");
    assert!(ended.stdout.contains("│ the   ┆     4 │"), "{ended:?}");
    assert!(ended.stdout.contains("│ peer  ┆     3 │"), "{ended:?}");
    assert!(ended.stdout.contains(&format!("{EQUAL}: 10 words, 5 different ones")), "{ended:?}");
    assert_eq!(ended.stderr, "");
}

#[test]
fn a_worker_killed_midway_changes_nothing() {
    let folder = Folder::new("killed");
    folder.write("long.txt", long_text());
    let ended = demo(&["wordcount", "--peers", "2", "--kill-after", "3", folder.path()]).succeeded();
    assert!(ended.stdout.contains(EQUAL), "{ended:?}");
    assert!(row(&ended, "worker-1").contains("lost; "), "{ended:?}");
    assert!(row(&ended, "worker-2").contains("yes"), "{ended:?}");
}

#[test]
fn a_worker_killed_before_it_has_anything_to_do_changes_nothing() {
    let folder = Folder::new("idle");
    let late = fifo(&folder, "late.txt");
    let mut running = Demo::start(&["wordcount", "--peers", "2", &late]);
    send_signal(running.wait_for_pid("worker-1"), "KILL");

    // This opens when the demo has opened the other end. A process that opens the name after that,
    // the count without workers, gets the same text from a file.
    let mut text = OpenOptions::new().write(true).open(&late).unwrap();
    folder.write("same.txt", long_text());
    fs::rename(folder.join("same.txt"), &late).unwrap();
    text.write_all(long_text().as_bytes()).unwrap();
    drop(text);

    let ended = running.end().succeeded();
    assert!(ended.stdout.contains(EQUAL), "{ended:?}");
    assert!(row(&ended, "worker-1").contains("┆      0 ┆"), "{ended:?}");
    assert!(row(&ended, "worker-1").contains("lost; "), "{ended:?}");
}

#[test]
fn the_loss_of_all_workers_is_an_error_that_names_them() {
    let folder = Folder::new("all-lost");
    folder.write("long.txt", long_text());
    demo(&["wordcount", "--peers", "1", "--kill-after", "2", folder.path()])
        .failed(1, "all workers were lost before the end\n  because: worker-1 (pid ");
}

#[test]
fn an_interrupted_count_leaves_no_worker() {
    let folder = Folder::new("interrupted");
    let never = fifo(&folder, "never.txt");
    let mut running = Demo::start(&["wordcount", "--peers", "3", &never]);
    running.wait_for_pid("worker-3");
    running.signal("INT");
    let ended = running.end();
    assert_eq!(ended.status.code(), Some(130), "{ended:?}");
    assert_eq!(ended.stderr, "interrupted");
}

#[test]
fn workers_end_when_the_process_that_started_them_is_killed() {
    let folder = Folder::new("orphans");
    let never = fifo(&folder, "never.txt");
    let mut running = Demo::start(&["wordcount", "--peers", "3", &never]);
    running.wait_for_pid("worker-3");
    running.signal("KILL");
    assert_eq!(running.end().status.code(), None);
}

#[test]
fn zero_workers_are_refused() {
    demo(&["wordcount", "--peers", "0"]).failed(2, "--peers");
}

#[test]
fn a_missing_file_is_an_error_that_names_it() {
    demo(&["wordcount", "no/such/file.txt"]).failed(1, "no/such/file.txt\n  because: No such file");
}

#[test]
fn a_folder_without_text_is_an_error() {
    let folder = Folder::new("empty");
    demo(&["wordcount", folder.path()]).failed(1, "nothing to count");
}
