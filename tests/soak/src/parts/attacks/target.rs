//! The server that is attacked. It has the defaults, plus a token check that rejects callers and,
//! for one script, slow decisions.

use std::fmt;
use std::sync::LazyLock;
use std::time::Duration;

use distributed_scope::{Attempt, Denied, PeerId, RemoteError, Upgrade, distributed, remote};

use super::scripts::Script;
use crate::peers::{open, serve};
use crate::process::until_let_go;
use crate::say;

/// How long a slow decision takes.
const SLOW: Duration = Duration::from_secs(20);

/// The server process, until it is asked to end.
pub(crate) async fn target(threads: usize, script: Script) -> anyhow::Result<()> {
    // Panics of the attackers' blocks say nothing that is worth a line.
    std::panic::set_hook(Box::new(|_| {}));
    let mut builder =
        open(PeerId::named("target")).authenticate(async |upgrade: Upgrade| match upgrade.bearer()? {
            None => Ok(None),
            Some(_) => Err(Denied::unauthenticated("there is no such token")),
        });
    if script == Script::BeforeADecision {
        builder = builder.authorize(async |attempt: Attempt| {
            if attempt.block.path.ends_with("attacked_texts#0") {
                tokio::time::sleep(SLOW).await;
                return Err(Denied::forbidden("not this one"));
            }
            Ok(())
        });
    }
    let peer = builder.start();
    let (_handle, address) = serve(&peer, threads)?;
    say(format_args!("ws://{address}/scope"))?;
    until_let_go().await;
    Ok(())
}

/// Waits until it is given up.
#[expect(dead_code, reason = "called by hand")]
#[distributed]
async fn attacked_wait(on: PeerId, texts: Vec<String>) -> Result<usize, RemoteError> {
    remote!(on, [texts], {
        std::future::pending::<()>().await;
        texts.len()
    })
    .await
}

#[expect(dead_code, reason = "called by hand")]
#[distributed]
async fn attacked_texts(on: PeerId, texts: Vec<String>) -> Result<usize, RemoteError> {
    remote!(on, [texts], { texts.len() }).await
}

/// Returns this many bytes.
#[expect(dead_code, reason = "called by hand")]
#[distributed]
async fn attacked_result(on: PeerId, size: usize) -> Result<String, RemoteError> {
    remote!(on, [size], { "x".repeat(size.min(6 << 20)) }).await
}

/// Calls on to a peer that is not there.
#[expect(dead_code, reason = "called by hand")]
#[distributed]
async fn attacked_calls_on(on: PeerId, absent: PeerId) -> Result<u8, RemoteError> {
    remote!(on, [absent], { remote!(absent, [], { 1 }).timeout(Duration::from_secs(60)).await? }).await
}

#[expect(dead_code, reason = "called by hand")]
#[distributed]
async fn attacked_panic(on: PeerId, text: String) -> Result<u8, RemoteError> {
    remote!(on, [text], {
        if !text.is_empty() {
            std::panic::panic_any(text);
        }
        1
    })
    .await
}

/// An error with a text of this length that contains control sequences for a terminal. The text
/// exists already: how long a program computes is its own affair.
#[derive(Debug)]
struct LongError(usize);

impl fmt::Display for LongError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        static TEXT: LazyLock<String> = LazyLock::new(|| "\u{1b}[2J\r\n".repeat((16 << 20) / 6));
        f.write_str(&TEXT[..self.0.min(TEXT.len())])
    }
}

impl std::error::Error for LongError {}

#[expect(dead_code, reason = "called by hand")]
#[distributed]
async fn attacked_error(on: PeerId, size: usize) -> Result<(), RemoteError> {
    remote!(on, [size], { Err(LongError(size))? }).await
}
