//! Frames that exceed all limits, from bare sockets.

use std::time::Duration;

use anyhow::ensure;
use distributed_scope::{Limits, Peer};
use futures_util::future::{Either, join_all, select};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::loiterers::upgrade;
use super::{small_call, small_calls};
use crate::peers::{Server, address_of};
use crate::process::Process;
use crate::progress::Progress;
use crate::promise::{Promise, Times, mebibytes, ratio, time};
use crate::say;

const ANNOUNCED: u64 = 1 << 30;
const ATTACKERS: usize = 8;

pub(crate) async fn run(progress: &Progress) -> anyhow::Result<Vec<Promise>> {
    let limit = Limits::default().max_message as f64 / f64::from(1 << 20);
    let server = Server::start(2).await?;
    let honest = server.client().await?;
    small_calls(&honest, server.id, Duration::from_secs(1)).await?;
    let mut promises = Vec::new();
    for (name, is_in_parts) in [("one frame of 1 GiB", false), ("a message of 1 GiB in parts", true)] {
        for attackers in [1, ATTACKERS] {
            progress.says(format_args!("{name}, {attackers} at once"));
            let before = server.process.memory()?.peak;
            let quiet = small_calls(&honest, server.id, Duration::from_secs(1)).await?.p99();
            let meanwhile = attack(&server, &honest, attackers, is_in_parts).await?;
            let cost = server.process.memory()?.peak - before;
            let what = format!("{name}, {attackers} at once: memory of the server");
            promises.push(Promise::at_most(what, 4.0 * limit, cost, mebibytes));
            let by = meanwhile.as_secs_f64() / quiet.as_secs_f64();
            let note = format!("p99 {} quiet, {} meanwhile", time(&quiet), time(&meanwhile));
            promises.push(Promise::figure("an honest caller's p99 meanwhile", ratio(&by)).with(note));
        }
    }
    Ok(promises)
}

/// The p99 of small calls while another process attacks.
async fn attack(server: &Server, honest: &Peer, count: usize, is_in_parts: bool) -> anyhow::Result<Duration> {
    let count = count.to_string();
    let mut arguments = vec!["--as", "attackers", "--url", &server.url, "--count", &count];
    arguments.extend(is_in_parts.then_some("--in-parts"));
    let mut process = Process::start(&arguments)?;
    process.line().await?;
    let mut times = Times::default();
    let mut is_over = Box::pin(process.end());
    loop {
        match select(is_over, Box::pin(small_call(honest, server.id))).await {
            Either::Left((status, _)) => {
                ensure!(status?.success(), "an attacker failed");
                return Ok(times.p99());
            }
            Either::Right((time, unfinished)) => {
                times.record(time?);
                is_over = unfinished;
            }
        }
    }
}

/// A process with this many attackers.
pub(crate) async fn attackers(url: &str, count: usize, is_in_parts: bool) -> anyhow::Result<()> {
    say("attacking")?;
    let attacks = join_all((0..count).map(|_| pour(address_of(url), is_in_parts)));
    attacks.await.into_iter().collect()
}

/// Sends 1 GiB, or as much of it as the server's socket takes, and waits until it is cut off. For
/// a while the server reads and throws away what comes, so that its goodbye is not lost to a
/// reset.
async fn pour(address: &str, is_in_parts: bool) -> anyhow::Result<()> {
    let mut stream = TcpStream::connect(address).await?;
    upgrade(&mut stream, address).await?;
    let zeros = vec![0u8; 64 << 10];
    let mut part = frame_header(0x02, if is_in_parts { zeros.len() as u64 } else { ANNOUNCED });
    let mut poured = 0;
    stream.write_all(if is_in_parts { &part } else { &[0x82] }).await?;
    if !is_in_parts {
        stream.write_all(&part[1..]).await?;
    }
    while poured < ANNOUNCED {
        if stream.write_all(&zeros).await.is_err() {
            return Ok(());
        }
        poured += zeros.len() as u64;
        if is_in_parts {
            part[0] = 0x00;
            if stream.write_all(&part).await.is_err() {
                return Ok(());
            }
        }
    }
    // A reset is an end, too.
    let _ = stream.read_to_end(&mut Vec::new()).await;
    Ok(())
}

/// The header of a masked frame, whose mask changes nothing.
fn frame_header(first: u8, length: u64) -> Vec<u8> {
    [&[first, 0xFF][..], &length.to_be_bytes(), &[0; 4]].concat()
}
