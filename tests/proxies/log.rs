//! Keeps what the peers of these tests log at `warn`.

use std::io::Write;
use std::sync::{Mutex, Once};

static LOGGED: Mutex<String> = Mutex::new(String::new());

struct Keep;

impl Write for Keep {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        LOGGED.lock().unwrap().push_str(&String::from_utf8_lossy(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

pub(crate) fn start() {
    static STARTED: Once = Once::new();
    STARTED.call_once(|| {
        tracing_subscriber::fmt()
            .with_max_level(tracing::Level::WARN)
            .with_writer(|| Keep)
            .with_ansi(false)
            .init();
    });
}

/// Whether one line has all of these parts.
pub(crate) fn has(parts: &[&str]) -> bool {
    LOGGED.lock().unwrap().lines().any(|line| parts.iter().all(|part| line.contains(part)))
}
