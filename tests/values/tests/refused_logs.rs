//! A type that cannot be sent is logged when a peer is mounted or connects, before any call.

#![allow(clippy::unwrap_used, reason = "in a test, to panic is to fail")]
#![allow(dead_code, reason = "no value arrives that would be read")]

use std::io::Write;
use std::sync::{Mutex, PoisonError};

use distributed_scope::{PeerId, RemoteError, distributed, remote};
use serde::{Deserialize, Serialize};
use tracing_subscriber::fmt::MakeWriter;

mod support;

static LOG: Mutex<Vec<u8>> = Mutex::new(Vec::new());

struct Log;

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        LOG.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        Self
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct Captured(u8, #[serde(skip_serializing_if = "Option::is_none")] Option<u8>, u8);

#[derive(Debug, Serialize, Deserialize)]
struct Returned(u8, #[serde(skip_serializing_if = "Option::is_none")] Option<u8>, u8);

#[distributed]
async fn capture(to: PeerId, value: Captured) -> Result<(), RemoteError> {
    remote!(to, [value], {
        let _arrived = value;
    })
    .await
}

#[distributed]
async fn result(to: PeerId) -> Result<Returned, RemoteError> {
    remote!(to, [], { Returned(1, Some(2), 3) }).await
}

#[distributed]
async fn sound(to: PeerId, value: u8) -> Result<u8, RemoteError> {
    remote!(to, [value], { value }).await
}

/// An error for each block that cannot be called, with the block, the type and the fix; and none
/// for others.
#[actix_web::test]
async fn types_that_cannot_travel_are_logged() {
    tracing_subscriber::fmt().with_max_level(tracing::Level::ERROR).with_writer(Log).with_ansi(false).init();
    let (server, client) = support::two_peers().await;
    let log = String::from_utf8(LOG.lock().unwrap().clone()).unwrap();
    for (function, name) in [("capture", "Captured"), ("result", "Returned")] {
        let told = |line: &&str| line.contains(&format!("::{function}#0"));
        let lines: Vec<_> = log.lines().filter(told).collect();
        assert!(!lines.is_empty(), "nothing is logged of `{function}`: {log}");
        for line in lines {
            assert!(line.contains("ERROR") && line.contains("block cannot be called"), "{line}");
            assert!(
                line.contains(name)
                    && line.contains("cannot travel: ")
                    && line.contains("`#[serde(default)]`"),
                "{line}"
            );
        }
    }
    assert!(!log.contains("::sound#"), "{log}");
    assert_eq!(
        client.run(sound(server.id(), 7)).await.unwrap(),
        7,
        "other blocks of the same program are called"
    );
}
