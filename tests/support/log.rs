//! The log of the peers of a test program: everything at `debug`, in a file of this process, if
//! the environment asks for it. `cargo xtask test` does, and searches the files for what must not
//! be logged.

use std::fs::File;
use std::path::PathBuf;
use std::sync::{Mutex, Once};

/// Stands in arguments, results, tokens, claims, errors and panics of the tests. `xtask` knows it,
/// and each of its guises.
pub(crate) const SENTINEL: &str = "s3ntinel";

/// The same, as a number.
#[allow(dead_code, reason = "not each test program has a number to hide")]
pub(crate) const SENTINEL_NUMBER: u32 = 735_711_317;

/// Logs into a file in the folder that `DISTRIBUTED_SCOPE_TEST_LOGS` names, if it names one.
pub(crate) fn start() {
    static STARTED: Once = Once::new();
    STARTED.call_once(|| {
        let Some(folder) = std::env::var_os("DISTRIBUTED_SCOPE_TEST_LOGS").map(PathBuf::from) else { return };
        std::fs::create_dir_all(&folder).unwrap();
        let file = File::create(folder.join(format!("{}.log", std::process::id()))).unwrap();
        // A test program that looks at its own log has a subscriber already.
        let _ = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::DEBUG)
            .with_writer(Mutex::new(file))
            .with_ansi(false)
            .try_init();
    });
}
