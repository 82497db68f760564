//! Clients that a server refuses: how often they retry, and how often they log that.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use distributed_scope::PeerId;
use parking_lot::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::log::Warnings;
use crate::peers::open;
use crate::progress::Progress;
use crate::promise::{Promise, seconds};

/// The number of clients that dial each server, and for how long.
const CLIENTS: usize = 50;
const SPAN: Duration = Duration::from_secs(60);
/// What a server asks for that says when to come back.
const RETRY_AFTER: u64 = 10;
/// Pauses where a server refuses are random up to 1 s, 1.6 s, 2.56 s and so on: 8.9 attempts on
/// average in the first minute.
const PER_MINUTE: [f64; 2] = [6.0, 13.0];

/// What a server answers.
#[derive(Clone, Copy)]
struct Refusal {
    status: u16,
    asks: Option<u64>,
}

/// When each client has asked.
type Asked = Arc<Mutex<HashMap<String, Vec<Instant>>>>;

pub(super) async fn run(warnings: &Warnings, progress: &Progress) -> anyhow::Result<Vec<Promise>> {
    progress.says(format_args!("clients that are refused, for {} s", SPAN.as_secs()));
    warnings.clear();
    let mut cases = Vec::new();
    for status in [401, 403, 404, 429] {
        for asks in [None, Some(RETRY_AFTER)] {
            let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
            let (address, asked) = (listener.local_addr()?, Asked::default());
            let refusal = Refusal { status, asks };
            actix_web::rt::spawn(serve(listener, refusal, Arc::clone(&asked)));
            let mut clients = Vec::new();
            for client in 0..CLIENTS {
                let peer = open(PeerId::random()).start();
                let _ = peer.keep_connected(format!("ws://{address}/{client}"));
                clients.push(peer);
            }
            cases.push((refusal, address, asked, clients));
        }
    }
    tokio::time::sleep(SPAN).await;
    let mut promises = Vec::new();
    for (refusal, address, asked, clients) in cases {
        for peer in clients {
            peer.stop().await;
        }
        promises.extend(refusal.promises(&asked.lock(), &warnings.with(&format!("{address}/"))));
    }
    Ok(promises)
}

impl Refusal {
    fn promises(self, asked: &HashMap<String, Vec<Instant>>, warnings: &[String]) -> Vec<Promise> {
        let Self { status, asks } = self;
        let name = match asks {
            None => format!("HTTP {status}"),
            Some(asks) => format!("HTTP {status}, `Retry-After: {asks}`"),
        };
        let each = asked.values().map(Vec::len).sum::<usize>() as f64 / CLIENTS as f64;
        let pauses = asked.values().flat_map(|times| times.windows(2).map(|pair| pair[1] - pair[0]));
        let shortest = pauses.min().map_or(f64::NAN, |pause| pause.as_secs_f64());
        let most = warnings.iter().fold(HashMap::<_, u64>::new(), |mut counts, line| {
            let path =
                line.split('/').find_map(|part| part.split([' ', '"', ':']).next()?.parse::<u64>().ok());
            *counts.entry(path).or_default() += 1;
            counts
        });
        let per_minute = |each: &f64| format!("{each:.1}");
        let mut promises = vec![
            Promise::exactly(
                format!("{name}: warnings of {CLIENTS} clients"),
                CLIENTS as u64,
                warnings.len() as u64,
            )
            .with(format_args!(
                "{} clients, {} of one at most",
                most.len(),
                most.values().max().unwrap_or(&0)
            )),
            Promise::at_most(
                format!("{name}: attempts of a client in the first minute"),
                if asks.is_some() { 7.0 } else { PER_MINUTE[1] },
                each,
                per_minute,
            ),
        ];
        promises.push(match asks {
            Some(asks) => {
                Promise::at_least(format!("{name}: the shortest pause"), asks as f64, shortest, seconds)
            }
            None => Promise::at_least(format!("{name}: attempts, at least"), PER_MINUTE[0], each, per_minute),
        });
        promises
    }
}

/// Answers every request so.
async fn serve(listener: TcpListener, refusal: Refusal, asked: Asked) {
    while let Ok((socket, _)) = listener.accept().await {
        let asked = Arc::clone(&asked);
        actix_web::rt::spawn(async move {
            // A client that has disconnected needs no answer.
            let _ = answer(socket, refusal, &asked).await;
        });
    }
}

async fn answer(
    mut socket: TcpStream,
    Refusal { status, asks }: Refusal,
    asked: &Asked,
) -> std::io::Result<()> {
    let now = Instant::now();
    let (mut request, mut buffer) = (Vec::new(), [0; 1024]);
    while !request.ends_with(b"\r\n\r\n") {
        match socket.read(&mut buffer).await? {
            0 => return Ok(()),
            read => request.extend_from_slice(&buffer[..read]),
        }
    }
    let request = String::from_utf8_lossy(&request);
    let path = request.split_whitespace().nth(1).unwrap_or_default().to_owned();
    asked.lock().entry(path).or_default().push(now);
    let asks = asks.map_or_else(String::new, |seconds| format!("retry-after: {seconds}\r\n"));
    let answer =
        format!("HTTP/1.1 {status} Refused\r\ncontent-length: 2\r\nconnection: close\r\n{asks}\r\nno");
    socket.write_all(answer.as_bytes()).await?;
    socket.shutdown().await
}
