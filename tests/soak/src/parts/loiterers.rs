//! Connections that never send a hello: half of them send their request byte by byte, half are
//! upgraded and send nothing.

use std::time::{Duration, Instant};

use actix_web::rt;
use anyhow::{Context, ensure};
use distributed_scope::{Limits, PeerId};
use futures_util::future::{join_all, select};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::peers::{Server, open};
use crate::process::descriptor_limit;
use crate::progress::Progress;
use crate::promise::{Promise, Times, mebibytes, seconds, time};

const LOITERERS: u64 = 5_000;
/// How many waves of them come before those that are measured. The allocator needs some until it
/// has room for however many of them each thread of the server gets.
const WARM_UP: u32 = 4;

pub(crate) async fn run(progress: &Progress) -> anyhow::Result<Vec<Promise>> {
    let count = LOITERERS.min(descriptor_limit().saturating_sub(500) / 2);
    let server = Server::start(2).await?;
    let warm_up = server.client().await?;
    // What the first ones cost once is not what all of them cost.
    for wave in 1..=WARM_UP {
        progress.says(format_args!("warm-up, wave {wave} of {WARM_UP}"));
        join_all((0..count).map(|n| loiter(server.address(), n % 2 == 0))).await;
        until_no_more(&server, None).await?;
    }
    let descriptors = server.process.descriptors()?;
    let before = server.process.memory()?.now;
    let address = server.address().to_owned();
    let all = rt::spawn(async move { join_all((0..count).map(|n| loiter(&address, n % 2 == 0))).await });
    let mut connects = Times::default();
    while !all.is_finished() {
        let peer = open(PeerId::random()).start();
        let started = Instant::now();
        peer.connect(server.url.as_str()).await?;
        connects.record(started.elapsed());
        peer.stop().await;
        progress.says(format_args!("{count} loiterers, {} honest connects", connects.count()));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let ends = all.await?;
    let ends = ends.into_iter().collect::<anyhow::Result<Vec<_>>>()?;
    let slowest = ends.iter().max().context("nobody loitered")?.as_secs_f64();
    until_no_more(&server, Some(descriptors)).await?;
    let after = server.process.memory()?.now;
    warm_up.stop().await;
    let bound = (Limits::default().handshake_timeout + Duration::from_secs(1)).as_secs_f64();
    Ok(vec![
        Promise::at_most(
            format!("{count} connections without a hello are told to go (slowest)"),
            bound,
            slowest,
            seconds,
        ),
        Promise::at_most("honest connects meanwhile: p99", Duration::from_millis(100), connects.p99(), time)
            .with(format_args!("{} connects", connects.count())),
        Promise::at_most("memory that is not back afterwards", 5.0, (after - before).max(0.0), mebibytes),
    ])
}

/// Waits until the server has closed everything, or all but as much as it had; returns how many
/// descriptors it has.
async fn until_no_more(server: &Server, as_many_as: Option<u64>) -> anyhow::Result<u64> {
    // After a goodbye it waits, for as long as a handshake may take, for the other side to read it.
    tokio::time::sleep(Limits::default().handshake_timeout + Duration::from_secs(1)).await;
    let now = server.process.descriptors()?;
    ensure!(as_many_as.is_none_or(|before| now <= before), "connections are still open: {now} descriptors");
    Ok(now)
}

/// How long it takes until a connection receives a goodbye, or is closed.
async fn loiter(address: &str, is_silent: bool) -> anyhow::Result<Duration> {
    let mut stream = TcpStream::connect(address).await?;
    let started = Instant::now();
    if is_silent {
        upgrade(&mut stream, address).await?;
    }
    let (mut from, mut to) = stream.into_split();
    let request = request(address);
    let mut answer = [0; 1024];
    // A goodbye, or the end; a reset is an end, too.
    let read = Box::pin(from.read(&mut answer));
    let write = Box::pin(async {
        for byte in request.bytes().take(if is_silent { 0 } else { usize::MAX }) {
            if to.write_all(&[byte]).await.is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        std::future::pending::<()>().await;
    });
    select(read, write).await;
    let took = started.elapsed();
    // It is closed as well, however that ends.
    let _ = from.read_to_end(&mut Vec::new()).await;
    Ok(took)
}

/// Has a connection upgraded.
pub(super) async fn upgrade(stream: &mut TcpStream, address: &str) -> anyhow::Result<()> {
    stream.write_all(request(address).as_bytes()).await?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    ensure!(head.starts_with(b"HTTP/1.1 101"), "not upgraded: {}", String::from_utf8_lossy(&head));
    Ok(())
}

fn request(address: &str) -> String {
    format!(
        "GET /scope HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: x3JJHMbDL1EzLkh9GBhXDw==\r\n\
         Sec-WebSocket-Protocol: distributed-scope.v1\r\n\r\n"
    )
}
