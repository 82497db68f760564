//! 128-bit integers inside `untagged`, `tag` and `flatten`: serde's own buffer has no place for
//! one above 64 bits.

#![allow(clippy::unwrap_used, reason = "in a test, to panic is to fail")]

use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

use distributed_scope::{ErrorKind, PeerId, Ran, RemoteError, distributed, remote};
use serde::{Deserialize, Serialize};

mod support;

static RAN: AtomicU32 = AtomicU32::new(0);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind")]
enum Tagged {
    Value { value: i128 },
}

#[distributed]
async fn returned(to: PeerId) -> Result<Tagged, RemoteError> {
    remote!(to, [], {
        RAN.fetch_add(1, SeqCst);
        Tagged::Value { value: i128::MAX }
    })
    .await
}

#[distributed]
async fn captured(to: PeerId, value: Tagged) -> Result<Tagged, RemoteError> {
    remote!(to, [value], { value }).await
}

/// A big integer arrives, or is refused before anything runs.
#[actix_web::test]
async fn big_integer_in_tagged_enum_arrives_or_is_refused() {
    let (server, client) = support::two_peers().await;
    let value = Tagged::Value { value: i128::MAX };
    match client.run(captured(server.id(), value.clone())).await {
        Ok(back) => assert_eq!(back, value),
        Err(error) => assert_eq!(error.ran(), Ran::Never, "{error:#}"),
    }
    match client.run(returned(server.id())).await {
        Ok(back) => assert_eq!(back, value),
        // Its value is only known when the block has made it. The error is found there, and the
        // value is not sent.
        Err(error) => {
            assert_eq!((error.kind(), RAN.load(SeqCst)), (&ErrorKind::EncodeResult, 1), "{error:#}");
        }
    }
}
