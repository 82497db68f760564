//! Clients whose server is killed and started again: how they reconnect, and what they log
//! meanwhile.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use distributed_scope::{LinkStatus, Peer, PeerId};
use futures_util::future::join_all;
use parking_lot::Mutex;
use rustix::process::Signal;

use super::refused;
use crate::cli::Options;
use crate::log::Warnings;
use crate::peers::{Server, open};
use crate::process::{Memory, descriptor_limit};
use crate::progress::Progress;
use crate::promise::{Promise, mebibytes, seconds};

/// A session of the server has its socket and a second handle of it.
const DESCRIPTORS: u64 = 2;
/// For everything else that a process has open.
const SPARE: u64 = 200;
/// The number of clients that connect at the same time at first.
const AT_ONCE: usize = 64;
/// The longest pause between two attempts to connect while no server answers.
const LONGEST_PAUSE: f64 = 30.0;
/// How long the handshakes of all clients keep the processors busy, in seconds.
const BUSY: f64 = 3.0;

pub(crate) async fn run(options: &Options, progress: &Progress) -> anyhow::Result<Vec<Promise>> {
    let warnings = Warnings::keep();
    let possible = descriptor_limit().saturating_sub(SPARE) / DESCRIPTORS;
    let mut crowd = Crowd::gather(options.clients.min(possible), progress).await?;
    let mut promises = Vec::new();
    for (away, bound) in [(0, 15.0), (3, 15.0), (60, LONGEST_PAUSE + 15.0)] {
        warnings.clear();
        let back = crowd.come_back(Duration::from_secs(away), progress).await?;
        promises.extend(back.promises(away, bound, &warnings));
    }
    promises.push(Promise::figure(
        format!("memory of this process with {} clients", crowd.clients.len()),
        mebibytes(&Memory::of("self")?.peak),
    ));
    drop(crowd);
    promises.extend(refused::run(&warnings, progress).await?);
    Ok(promises)
}

/// Clients that are to stay connected to a server.
struct Crowd {
    server: Server,
    clients: Vec<Peer>,
    /// When each became connected, since this was last emptied.
    connected: Arc<Mutex<Vec<Instant>>>,
}

impl Crowd {
    async fn gather(count: u64, progress: &Progress) -> anyhow::Result<Self> {
        let server = Server::start(1).await?;
        let (mut clients, connected) = (Vec::new(), Arc::default());
        let mut left = usize::try_from(count)?;
        while left > 0 {
            let some = left.min(AT_ONCE);
            let new = (0..some).map(|_| stay(&server.url, &connected));
            for client in join_all(new).await {
                clients.push(client?);
            }
            left -= some;
            progress.says(format_args!("{} of {count} clients", clients.len()));
        }
        Ok(Self { server, clients, connected })
    }

    /// Kills the server, starts it again after this time, and waits until all clients have
    /// reconnected.
    async fn come_back(&mut self, away: Duration, progress: &Progress) -> anyhow::Result<Back> {
        let port = self.server.address().rsplit(':').next().context("an address has a port")?.parse()?;
        self.connected.lock().clear();
        self.server.process.signal(Signal::KILL)?;
        self.server.process.end().await?;
        tokio::time::sleep(away).await;
        self.server = Server::start_at(1, port).await?;
        let (started, count) = (Instant::now(), self.clients.len());
        let mut told = 0;
        while self.connected.lock().len() < count {
            if started.elapsed() > Duration::from_secs(120) {
                bail!("{} of {count} clients are back after two minutes", self.connected.lock().len());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
            let back = self.connected.lock().len();
            if back != told {
                progress.says(format_args!("{back} of {count} clients are back after {} s", away.as_secs()));
                told = back;
            }
        }
        let times =
            self.connected.lock().iter().map(|when| when.saturating_duration_since(started)).collect();
        // Sessions that lasted are good ones, after which pauses are short again and causes are
        // news.
        tokio::time::sleep(Duration::from_secs(12)).await;
        Ok(Back { times })
    }
}

/// A client that is connected, and stays so.
async fn stay(url: &str, connected: &Arc<Mutex<Vec<Instant>>>) -> anyhow::Result<Peer> {
    let client = open(PeerId::random()).start();
    let link = client.keep_connected(url);
    let (mut status, connected) = (link.status(), Arc::clone(connected));
    link.connected().await.context("a client cannot connect at first")?;
    actix_web::rt::spawn(async move {
        let mut was_connected = true;
        while let Some(now) = status.changed().await {
            let is_connected = matches!(now, LinkStatus::Connected(_));
            if is_connected && !was_connected {
                connected.lock().push(Instant::now());
            }
            was_connected = is_connected;
        }
    });
    Ok(client)
}

/// How the clients reconnected.
struct Back {
    /// Of each, since the server listens again.
    times: Vec<Duration>,
}

impl Back {
    fn promises(&self, away: u64, bound: f64, warnings: &Warnings) -> Vec<Promise> {
        let count = self.times.len();
        let last = self.times.iter().max().map_or(0.0, Duration::as_secs_f64);
        let name = format!("{count} clients, server killed and away for {away} s");
        let most = most_within(&self.times, Duration::from_millis(100), Duration::from_secs(1));
        let share = most as f64 * 100.0 / count as f64;
        let mut sorted = self.times.clone();
        sorted.sort_unstable();
        let median = sorted.get(count / 2).map_or(0.0, Duration::as_secs_f64);
        let told = warnings.with("cannot connect yet").len() as f64 / count as f64;
        let most_is = format!("{name}: the most in 100 ms after the first second");
        let percent = |share: &f64| format!("{share:.1} %");
        // So many handshakes at once take the processors a second or two and end together. Clients
        // that are back by then are spread enough.
        let in_100_ms = match last <= BUSY {
            true => Promise::figure(most_is, percent(&share)),
            false => Promise::at_most(most_is, 20.0, share, percent),
        };
        vec![
            Promise::at_most(format!("{name}: the last one is back after"), bound, last, seconds)
                .with(format_args!("half of them after {}", seconds(&median))),
            in_100_ms,
            // No server answers, and then a server that does not know the session.
            Promise::at_most(format!("{name}: warnings of a client"), 2.0, told, |told| format!("{told:.2}")),
        ]
    }
}

/// How many of these lie within the same span, as many as possible, of those that are not earlier
/// than `from`.
fn most_within(times: &[Duration], span: Duration, from: Duration) -> usize {
    let mut later: Vec<_> = times.iter().copied().filter(|time| *time >= from).collect();
    later.sort_unstable();
    let mut first = 0;
    let within = later.iter().enumerate().map(|(place, time)| {
        while *time - later[first] >= span {
            first += 1;
        }
        place - first + 1
    });
    within.max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fullest_span_is_found() {
        let millis = |times: &[u64]| times.iter().copied().map(Duration::from_millis).collect::<Vec<_>>();
        let most = |times: &[u64]| {
            most_within(&millis(times), Duration::from_millis(100), Duration::from_millis(1000))
        };
        assert_eq!(most(&[1, 2, 3, 4]), 0);
        assert_eq!(most(&[1, 2, 1000, 1050, 1099, 1100, 1149, 1300]), 4);
    }
}
