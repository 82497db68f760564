//! The errors of a call: what a block raises, and what can happen on the way.
//!
//! A block may return an error of its own type inside its value, where the caller can match it. Or
//! it raises any error with `?`, and the caller gets its text.
//!
//! ```sh
//! cargo run --example errors
//! ```

#![allow(clippy::print_stdout, reason = "to show what happens is what an example is for")]

use std::time::Duration;

use distributed_scope::{Blocks, ErrorKind, Peer, PeerId, RemoteError, distributed, remote};
use serde::{Deserialize, Serialize};

/// An error that the caller can match.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
enum OrderError {
    #[error("only {left} are left")]
    SoldOut { left: u32 },
}

/// Orders tea. The outer `Result` is that of the call, the inner one that of the shop.
#[distributed]
async fn order(shop: PeerId, count: u32) -> Result<Result<u32, OrderError>, RemoteError> {
    remote!(shop, [count] -> Result<u32, OrderError>, {
        match count {
            0..=3 => Ok(count * 2),
            _ => Err(OrderError::SoldOut { left: 3 }),
        }
    })
    .await
}

/// Parses a number at the shop. What fails there is raised.
#[distributed]
async fn parse(shop: PeerId, text: String) -> Result<u32, RemoteError> {
    remote!(shop, [text], { text.parse::<u32>()? }).await
}

/// Waits at the shop for longer than the call may take.
#[distributed]
async fn wait(shop: PeerId) -> Result<(), RemoteError> {
    remote!(shop, [], { std::future::pending::<()>().await }).timeout(Duration::from_millis(50)).await
}

/// What a program tells its user of an error.
fn advice(error: &RemoteError) -> String {
    match error.kind() {
        ErrorKind::Raised => format!("the shop says: {}", error.raised_text().unwrap_or_default()),
        ErrorKind::DeadlineExceeded => "the shop takes too long".to_owned(),
        ErrorKind::NotConnected | ErrorKind::Disconnected => "the shop is not there".to_owned(),
        other => format!("the call failed: {other}"),
    }
}

#[actix_web::main]
async fn main() -> anyhow::Result<()> {
    // A peer that calls itself: the errors are those of any other peer.
    let peer = Peer::builder(PeerId::named("shop")).expose(Blocks::all()).start();
    let shop = peer.id();
    peer.run(async {
        println!("2 cost {:?}", order(shop, 2).await?);
        println!("5: {:?}", order(shop, 5).await?);
        for error in [parse(shop, "four".to_owned()).await.err(), wait(shop).await.err()] {
            println!("{}", error.as_ref().map_or_else(String::new, advice));
        }
        Ok(())
    })
    .await
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "in a test, to panic is to fail")]

    use super::*;

    #[test]
    fn the_example_ends_well() {
        main().unwrap();
    }

    #[actix_web::test]
    async fn errors_are_told_apart() {
        let peer = Peer::builder(PeerId::random()).start();
        let shop = peer.id();
        assert_eq!(peer.run(order(shop, 5)).await.unwrap(), Err(OrderError::SoldOut { left: 3 }));
        let raised = peer.run(parse(shop, "four".to_owned())).await.unwrap_err();
        assert_eq!(advice(&raised), "the shop says: invalid digit found in string");
        assert_eq!(advice(&peer.run(wait(shop)).await.unwrap_err()), "the shop takes too long");
    }
}
