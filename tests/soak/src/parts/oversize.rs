//! Frames that are larger than anything that is allowed, from bare sockets.

use std::time::Duration;

use distributed_scope::Limits;
use futures_util::future::join_all;
use indicatif::ProgressBar;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::loiterers::upgrade;
use super::small_calls;
use crate::peers::Server;
use crate::promise::{Promise, mebibytes, ratio, time};

const ANNOUNCED: u64 = 1 << 30;
const ATTACKERS: usize = 8;

pub(crate) async fn run(progress: &ProgressBar) -> anyhow::Result<Vec<Promise>> {
    let limit = Limits::default().message as f64 / f64::from(1 << 20);
    let server = Server::start(2).await?;
    let honest = server.client().await?;
    small_calls(&honest, server.id, Duration::from_secs(1)).await?;
    let mut promises = Vec::new();
    for (name, is_in_parts) in [("one frame of 1 GiB", false), ("a message of 1 GiB in parts", true)] {
        for attackers in [1, ATTACKERS] {
            progress.set_message(format!("{name}, {attackers} at once"));
            let before = server.process.memory()?.peak;
            let quiet = small_calls(&honest, server.id, Duration::from_secs(1)).await?.p99();
            let attack = join_all((0..attackers).map(|_| pour(server.address(), is_in_parts)));
            let (poured, served) =
                futures_util::join!(attack, small_calls(&honest, server.id, Duration::from_secs(1)));
            for poured in poured {
                poured?;
            }
            let cost = server.process.memory()?.peak - before;
            let what = format!("{name}, {attackers} at once: memory of the server");
            promises.push(Promise::at_most(what, 4.0 * limit, cost, mebibytes));
            let meanwhile = served?.p99();
            let by = meanwhile.as_secs_f64() / quiet.as_secs_f64();
            let note = format!("p99 {} quiet, {} meanwhile", time(&quiet), time(&meanwhile));
            promises.push(Promise::figure("an honest caller's p99 meanwhile", ratio(&by)).with(note));
        }
    }
    Ok(promises)
}

/// Sends 1 GiB, or as much of it as the server's socket takes, and waits until it is cut off. For a while the server reads
/// and throws away what comes, so that its goodbye is not lost to a reset.
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
