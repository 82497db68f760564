//! Many calls at once, and a session that is idle after that.

use std::time::Duration;

use anyhow::ensure;
use distributed_scope::{Peer, PeerId, RemoteError, distributed, remote};
use futures_util::future::join_all;

use crate::peers::Server;
use crate::process::Memory;
use crate::progress::Progress;
use crate::promise::{Promise, mebibytes};

const CALLS: u64 = 60_000;
/// How many sessions have their burst before those that are measured: what the allocator takes for
/// the first one it keeps for all.
const WARM_UP: usize = 2;
const SESSIONS: usize = 6;
const AFTER: Duration = Duration::from_secs(60);
/// How much more memory there may be than after the warm-up.
const MOST: f64 = 10.0;

#[distributed]
async fn waits(on: PeerId, n: u64) -> Result<u64, RemoteError> {
    remote!(on, [n], {
        tokio::time::sleep(Duration::from_secs(4)).await;
        n
    })
    .without_timeout()
    .await
}

pub(crate) async fn run(progress: &Progress) -> anyhow::Result<Vec<Promise>> {
    let server = Server::start(1).await?;
    let mut clients = Vec::new();
    for session in 1..=WARM_UP {
        progress.says(format_args!("warm-up, session {session} of {WARM_UP}"));
        clients.push(burst(&server).await?);
    }
    pause(progress, "waiting after the warm-up").await;
    let before = (server.process.memory()?.now, Memory::of("self")?.now);
    for session in 1..=SESSIONS {
        progress.says(format_args!("{CALLS} calls at once, session {session} of {SESSIONS}"));
        clients.push(burst(&server).await?);
    }
    pause(progress, "waiting until the memory is back").await;
    let after = (server.process.memory()?.now, Memory::of("self")?.now);
    let promise = |side: &str, before: f64, after: f64| {
        let more = (after / before - 1.0) * 100.0;
        let what = format!(
            "{SESSIONS} sessions that had {CALLS} calls at once and are idle for a minute: memory of the {side} more"
        );
        let note = format!("{} before, {} after", mebibytes(&before), mebibytes(&after));
        Promise::at_most(what, MOST, more, |percent| format!("{percent:.1} %")).with(note)
    };
    Ok(vec![promise("server", before.0, after.0), promise("client", before.1, after.1)])
}

async fn pause(progress: &Progress, what: &str) {
    progress.says(what);
    tokio::time::sleep(AFTER).await;
}

/// A client whose session has had all its calls at once.
async fn burst(server: &Server) -> anyhow::Result<Peer> {
    let client = server.client().await?;
    let answers = join_all((0..CALLS).map(|n| client.run(waits(server.id, n)))).await;
    for (answer, n) in answers.into_iter().zip(0..) {
        ensure!(answer? == n, "a wrong answer");
    }
    Ok(client)
}
