//! One attack after the other on a server. During each, an honest client and new clients use the
//! server.
//!
//! Attackers are a process of their own, use another address of this machine, and get a processor
//! only when no other process wants it. So the figures show what the attackers make the server do,
//! and not what they do themselves.
//!
//! A server that is attacked also takes processor time from the honest client, which is on the
//! same machine here. So there is a control: the same attack on another server, of which the
//! honest client notices only that. Its p99 is compared with the control. If there are enough
//! processors, the control is what the client measures without any attack, which is printed beside
//! it.
//!
//! | module | idea |
//! |---|---|
//! | here | what the others notice |
//! | `target` | the server that is attacked, and its blocks |
//! | `attacker` | connections of the attackers |
//! | `scripts` | what they do |

mod attacker;
mod scripts;
mod target;

use std::cell::Cell;
use std::time::{Duration, Instant};

use anyhow::Context;
use clap::ValueEnum;
use distributed_scope::{Peer, PeerId};
use futures_util::join;
use tokio::time::{MissedTickBehavior, interval, timeout};

pub(crate) use self::scripts::Script;
pub(crate) use self::scripts::attacker;
pub(crate) use self::target::target;

use super::small_call;
use crate::peers::{Server, echo, open};
use crate::process::Process;
use crate::progress::Progress;
use crate::promise::{Promise, Times, ratio, time};

const QUIET: Duration = Duration::from_secs(3);
const CONTROL: Duration = Duration::from_secs(5);

/// The interval between calls. If one takes long, those that could not be made meanwhile count,
/// too.
const PACE: Duration = Duration::from_millis(1);

/// How long an attack runs before it is measured.
const BEGINS: Duration = Duration::from_secs(1);

const NEWCOMERS: u64 = 20;
const BETWEEN_NEWCOMERS: Duration = Duration::from_millis(250);

/// A new client without an answer after this time counts as rejected.
const PATIENCE: Duration = Duration::from_secs(5);

/// How many times as long calls of others may take.
const TIMES_AS_LONG: f64 = 3.0;

/// Makes this attack, or all of them.
pub(crate) async fn run(only: Option<Script>, progress: &Progress) -> anyhow::Result<Vec<Promise>> {
    let mut promises = Vec::new();
    let is_busy = is_busy()?;
    for script in Script::value_variants().iter().filter(|script| only.is_none_or(|only| only == **script)) {
        progress.says(script.what());
        promises.extend(under(*script, is_busy).await?);
    }
    Ok(promises)
}

/// Whether others use all processors of this machine. How long calls take says little of an attack
/// then.
fn is_busy() -> anyhow::Result<bool> {
    let load = std::fs::read_to_string("/proc/loadavg").context("cannot read /proc/loadavg")?;
    let load: f64 = load.split(' ').next().context("there is no load")?.parse()?;
    Ok(load > std::thread::available_parallelism()?.get() as f64)
}

/// What the others notice of this attack.
async fn under(script: Script, is_busy: bool) -> anyhow::Result<[Promise; 2]> {
    let server = start(script).await?;
    let honest = server.client().await?;
    let quiet = calls_for(QUIET, &honest, server.id).await?;
    let control = control(script, &honest, server.id).await?;

    let _attackers = attack(script, &server).await?;
    let is_over = Cell::new(false);
    let (began, before) = (Instant::now(), server.process.processor()?);
    let (let_in, (meanwhile, failed)) = join!(
        async {
            let let_in = newcomers(&server).await;
            is_over.set(true);
            let_in
        },
        calls(&honest, server.id, &is_over)
    );
    let busy = (server.process.processor()? - before) / began.elapsed().as_secs_f64();
    let failed = if failed > 0 { format!(", {failed} failed") } else { String::new() };
    let note = format!(
        "{} quiet, {} beside an attack on another server, {} meanwhile{failed}; {:.0} % of a processor",
        time(&quiet.p99()),
        time(&control.p99()),
        time(&meanwhile.p99()),
        100.0 * busy
    );
    let by = meanwhile.p99().as_secs_f64() / control.p99().max(quiet.p99()).as_secs_f64();
    let what = script.what();
    let calls = format!("{what}: an honest caller's p99");
    let calls = match script.stall() {
        _ if is_busy => Promise::figure(format!("{calls}, on a machine that others use"), ratio(&by)),
        None => Promise::at_most(calls, TIMES_AS_LONG, by, ratio),
        Some(stall) => Promise::at_most(calls, stall, meanwhile.p99(), time),
    };
    let newcomers = format!("{what}: newcomers let in, of {NEWCOMERS}");
    let newcomers = Promise::at_least(newcomers, NEWCOMERS - 1, let_in, ToString::to_string);
    Ok([calls.with(note), newcomers])
}

async fn start(script: Script) -> anyhow::Result<Server> {
    Server::start_as(&["--as", "target", "--count", "2", "--script", &script.name()], "target").await
}

/// Attackers of a server, which have begun. They end when this is dropped.
async fn attack(script: Script, server: &Server) -> anyhow::Result<Process> {
    let arguments = ["--as", "attacker", "--url", &server.url, "--script", &script.name()];
    let mut attackers = Process::start_idle(&arguments)?;
    attackers.line().await?;
    tokio::time::sleep(BEGINS).await;
    Ok(attackers)
}

/// What an honest client notices of an attack on another server.
async fn control(script: Script, honest: &Peer, on: PeerId) -> anyhow::Result<Times> {
    let other = start(script).await?;
    let _attackers = attack(script, &other).await?;
    calls_for(CONTROL, honest, on).await
}

/// Calls for this long.
async fn calls_for(span: Duration, honest: &Peer, on: PeerId) -> anyhow::Result<Times> {
    let is_over = Cell::new(false);
    let ((times, failed), ()) = join!(calls(honest, on, &is_over), async {
        tokio::time::sleep(span).await;
        is_over.set(true);
    });
    anyhow::ensure!(failed == 0, "{failed} calls have failed without an attack");
    Ok(times)
}

/// Small calls at a steady pace, until it is over: how long they took, and how many failed.
async fn calls(honest: &Peer, on: PeerId, is_over: &Cell<bool>) -> (Times, u64) {
    let (mut times, mut failed) = (Times::default(), 0);
    let mut pace = interval(PACE);
    pace.set_missed_tick_behavior(MissedTickBehavior::Skip);
    while !is_over.get() {
        pace.tick().await;
        match small_call(honest, on).await {
            Ok(time) => times.record_paced(time, PACE),
            Err(_) => failed += 1,
        }
    }
    (times, failed)
}

/// How many newcomers get an answer.
async fn newcomers(server: &Server) -> u64 {
    let mut let_in = 0;
    for _ in 0..NEWCOMERS {
        tokio::time::sleep(BETWEEN_NEWCOMERS).await;
        let peer = open(PeerId::random()).start();
        let answered = timeout(PATIENCE, async {
            let on = peer.connect(server.url.as_str()).await.ok()?;
            peer.run(echo(on, 7)).await.ok()
        });
        let_in += u64::from(matches!(answered.await, Ok(Some(_))));
        peer.stop().await;
    }
    let_in
}
