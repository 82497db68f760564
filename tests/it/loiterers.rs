//! Connections that never become sessions: they send their request byte by byte, or are upgraded
//! and send nothing.
#![cfg(unix)]

use std::net::SocketAddr;
use std::time::Duration;

use distributed_scope::Limits;
use futures_util::future::{Either, join_all, select};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::lifecycle::at_once;
use crate::support::{Listening, open};

const EACH: usize = 100;

fn request(address: SocketAddr) -> String {
    format!(
        "GET /scope HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: x3JJHMbDL1EzLkh9GBhXDw==\r\n\
         Sec-WebSocket-Protocol: distributed-scope.v1\r\n\r\n"
    )
}

/// Sends a byte of its request now and then, until the server closes the connection.
async fn dawdle(address: SocketAddr) {
    let (mut from, mut to) = TcpStream::connect(address).await.unwrap().into_split();
    let write = async {
        for byte in request(address).bytes() {
            if to.write_all(&[byte]).await.is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        std::future::pending::<()>().await;
    };
    let mut answer = Vec::new();
    let read = async {
        // A reset is an end, too.
        let _ = from.read_to_end(&mut answer).await;
    };
    select(Box::pin(read), Box::pin(write)).await;
}

/// Is upgraded, and then sends nothing until the server closes the connection.
async fn keep_silent(address: SocketAddr) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request(address).as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // A reset is an end, too.
    let _ = stream.read_to_end(&mut answer).await;
    assert!(answer.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&answer));
}

#[actix_web::test]
async fn connections_that_never_introduce_themselves_are_closed_and_honest_peers_get_in_meanwhile() {
    // So many come from this one machine.
    let limits = Limits::default()
        .with_handshake_timeout(Duration::from_millis(500))
        .with_max_sessions_per_address(10_000)
        .with_max_handshakes_per_second(10_000);
    let server = Listening::start(open().limits(limits));
    let address = server.address.parse().unwrap();
    let mut loiterers = Box::pin(async {
        let dawdlers = join_all((0..EACH).map(|_| dawdle(address)));
        let silent = join_all((0..EACH).map(|_| keep_silent(address)));
        futures_util::join!(dawdlers, silent);
    });
    let mut visits = 0;
    loop {
        let visit = Box::pin(async {
            let honest = open().start();
            let on = honest.connect(server.url()).await.unwrap();
            honest.run(at_once(on)).await.unwrap();
            honest.stop().await;
        });
        match select(loiterers, visit).await {
            // All were closed, although none of them closed.
            Either::Left(_) => break,
            Either::Right(((), unfinished)) => loiterers = unfinished,
        }
        visits += 1;
    }
    assert!(visits > 0, "no honest peer got in while the others loitered");
}
