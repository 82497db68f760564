//! A test that runs once for each of several seeds.

use std::fmt;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use crate::Net;

/// The seed that is run alone, if this variable is set.
const SEED: &str = "DISTRIBUTED_SCOPE_SEED";

/// What a test returns: nothing, or a `Result` whose error fails it.
pub trait Outcome {
    /// The text of the error, if the test has failed.
    fn failure(&self) -> Option<String>;
}

impl Outcome for () {
    fn failure(&self) -> Option<String> {
        None
    }
}

impl<T, E: fmt::Debug> Outcome for Result<T, E> {
    fn failure(&self) -> Option<String> {
        self.as_ref().err().map(|error| format!("{error:?}"))
    }
}

/// Runs a test once for each seed, and says which one failed.
///
/// # Panics
///
/// If the test fails, or `DISTRIBUTED_SCOPE_SEED` is not a number.
#[doc(hidden)]
pub fn run_seeds<T: Outcome>(seeds: Range<u64>, test: impl AsyncFn(Net) -> T) {
    let seeds = match std::env::var(SEED) {
        Err(_) => seeds,
        Ok(seed) => {
            let seed: u64 =
                seed.parse().unwrap_or_else(|_| panic!("{SEED} is `{seed}`, which is not a number"));
            seed..seed.saturating_add(1)
        }
    };
    for seed in seeds {
        let outcome = catch_unwind(AssertUnwindSafe(|| Net::run(seed, &test)));
        match outcome.map(|outcome| outcome.failure()) {
            Ok(None) => {}
            Ok(Some(error)) => panic!("the test returned an error: {error}{}", replay(seed)),
            Err(panic) => {
                say(&replay(seed));
                resume_unwind(panic);
            }
        }
    }
}

fn replay(seed: u64) -> String {
    format!("\nthe test failed with seed {seed}; to run this seed alone, set {SEED}={seed}")
}

/// Under the message of a panic, which the test harness shows.
#[expect(clippy::print_stderr, reason = "a person reads it when a test failed")]
fn say(text: &str) {
    eprintln!("{}", text.trim_start());
}
