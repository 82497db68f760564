//! Checks that no secret of the tests is in their logs.
//!
//! The tests write a word into arguments, results, tokens, claims, errors and panics
//! (`tests/support/log.rs`). They write all that is logged at `debug` into files. This step
//! searches the files for the word.

use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;

use crate::Step;
use crate::step::{Passed, root};

/// What has a test program write its log.
pub(crate) const WRITTEN: &[(&str, &str)] = &[("DISTRIBUTED_SCOPE_TEST_LOGS", "target/test-logs")];

/// The word as text, as bytes in decimals and in hexadecimals, in base64 at each possible offset,
/// and the number, which may be written with a separator.
const SENTINELS: [&str; 8] = [
    "s3ntinel",
    "115, 51, 110, 116, 105, 110, 101, 108",
    "73336e74696e656c",
    "czNudGluZW",
    "MzbnRpbmVs",
    "zM250aW5lb",
    "735711317",
    "735_711_317",
];

/// What has to be in a log that is worth looking through.
const EXPECTED: [&str; 5] =
    ["session open", "session refused", "upgrade refused", "call refused", "a block panicked"];

/// Removes the logs of earlier runs.
pub(crate) fn begin() -> Step {
    Step::check("what earlier tests logged is removed", || match fs::remove_dir_all(folder()) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error.to_string()),
        _ => Ok(Passed::Holds),
    })
}

/// Looks through the logs.
pub(crate) fn end() -> Step {
    Step::check("no argument, result, token, claim, error or panic of a test is in its log", || {
        let logs = read().map_err(|error| format!("the logs of the tests cannot be read: {error}"))?;
        match complaint(&logs) {
            None => Ok(Passed::Holds),
            Some(complaint) => Err(complaint),
        }
    })
}

fn folder() -> PathBuf {
    // Cargo runs the tests of a package in its folder, and that of the facade is the root.
    root().join(WRITTEN[0].1)
}

fn read() -> std::io::Result<Vec<String>> {
    let files = fs::read_dir(folder())?;
    // A panic of a test may leave half a character.
    files.map(|file| Ok(String::from_utf8_lossy(&fs::read(file?.path())?).into_owned())).collect()
}

fn complaint(logs: &[String]) -> Option<String> {
    let lines = || logs.iter().flat_map(|log| log.lines());
    let secret = lines().find(|line| SENTINELS.iter().any(|sentinel| line.contains(sentinel)));
    let missing = || EXPECTED.iter().find(|expected| !lines().any(|line| line.contains(**expected)));
    match secret {
        Some(line) => Some(format!("what is secret was logged: {line}")),
        None => missing().map(|expected| {
            format!("nothing was logged of \"{expected}\": are these the logs of all tests?")
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(line: &str) -> Vec<String> {
        vec![EXPECTED.join("\n"), format!("DEBUG one\nDEBUG {line}\n")]
    }

    #[test]
    fn a_secret_is_found_in_each_of_its_guises() {
        assert_eq!(complaint(&log("another")), None);
        for secret in [
            "my-s3ntinel-token",
            "[7, 115, 51, 110, 116, 105, 110, 101, 108]",
            "Bearer eyJzM250aW5lbCI",
            "n=735711317",
        ] {
            assert!(complaint(&log(secret)).is_some_and(|text| text.contains(secret)), "{secret}");
        }
    }

    #[test]
    fn logs_of_few_tests_are_not_enough() {
        assert!(complaint(&log("another")[1..]).is_some());
        assert!(complaint(&[]).is_some());
    }
}
