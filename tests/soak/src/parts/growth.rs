//! Whether a call takes longer with many waiting calls or many idle sessions.
//!
//! `cargo xtask instructions` checks by counting that it does not depend on the number of blocks.

use std::time::Duration;

use actix_web::rt::{self, task::JoinHandle};
use anyhow::ensure;
use distributed_scope::Peer;

use super::idle::{open, until_alone};
use super::small_calls;
use crate::peers::{Server, blocks_alive, wait};
use crate::progress::Progress;
use crate::promise::{Promise, Times, median, ratio, time};

const ROUNDS: usize = 5;
const SPAN: Duration = Duration::from_secs(2);
const WAITING: u64 = 10_000;
const SESSIONS: u64 = 1_000;
/// The largest allowed ratio of a call's time under that load to its time without.
const MOST: f64 = 1.1;

pub(crate) async fn run(progress: &Progress) -> anyhow::Result<Vec<Promise>> {
    let server = Server::start(1).await?;
    let client = server.client().await?;
    small_calls(&client, server.id, SPAN).await?;
    let mut waiting = Compared::default();
    let mut beside_sessions = Compared::default();
    for round in 1..=ROUNDS {
        progress.says(format_args!("{WAITING} waiting calls, round {round} of {ROUNDS}"));
        let quiet = small_calls(&client, server.id, SPAN).await?;
        waiting.add(&quiet, &while_others_wait(&client, &server).await?);
        progress.says(format_args!("{SESSIONS} sessions, round {round} of {ROUNDS}"));
        let quiet = small_calls(&client, server.id, SPAN).await?;
        let idlers = open(&server, SESSIONS, progress).await?;
        beside_sessions.add(&quiet, &small_calls(&client, server.id, SPAN).await?);
        idlers.let_go().await?;
        until_alone(&server, &client).await?;
    }
    Ok(vec![
        waiting
            .promise(format!("a small call's median beside {WAITING} calls that wait, on the same session")),
        beside_sessions.promise(format!("a small call's median beside {SESSIONS} idle sessions")),
    ])
}

/// The times of small calls while others of the same session wait.
async fn while_others_wait(client: &Peer, server: &Server) -> anyhow::Result<Times> {
    let others: Vec<_> = (0..WAITING).map(|_| rt::spawn(client.run(wait(server.id)))).collect();
    while client.run(blocks_alive(server.id)).await? < WAITING {
        ensure!(!others.iter().any(JoinHandle::is_finished), "a call that waits for ever has ended");
    }
    let times = small_calls(client, server.id, SPAN).await?;
    ensure!(client.run(blocks_alive(server.id)).await? == WAITING, "some did not wait all the time");
    others.iter().for_each(JoinHandle::abort);
    while client.run(blocks_alive(server.id)).await? > 0 {}
    Ok(times)
}

/// How long calls took, with and without that load.
#[derive(Default)]
struct Compared {
    quiet: Times,
    beside: Times,
    ratios: Vec<f64>,
}

impl Compared {
    fn add(&mut self, quiet: &Times, beside: &Times) {
        self.ratios.push(beside.median().as_secs_f64() / quiet.median().as_secs_f64());
        self.quiet.add(quiet);
        self.beside.add(beside);
    }

    fn promise(self, what: String) -> Promise {
        let (quiet, beside) = (time(&self.quiet.median()), time(&self.beside.median()));
        let note = format!("{quiet} alone, {beside} beside them; {} calls", self.beside.count());
        Promise::at_most(what, MOST, median(self.ratios), ratio).with(note)
    }
}
