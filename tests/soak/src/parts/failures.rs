//! Calls that fail, in every possible way.

use std::time::Duration;

use anyhow::ensure;
use distributed_scope::{ErrorKind, Peer, PeerId, Refusal, RemoteError, distributed, here, remote};
use futures_util::future::{Either, join_all, select};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::peers::{Server, blocks_alive, memory_of, take, wait};
use crate::process::Memory;
use crate::progress::Progress;
use crate::promise::{Promise, mebibytes};

const CALLS: u64 = 1_000_000;
const AT_ONCE: u64 = 250;
/// The number of calls that fail before the memory is measured for the first time.
const WARM_UP: u64 = 100_000;
/// How much more memory there may be after all calls, in MiB.
const MOST: f64 = 10.0;

/// What can be written and not read.
#[derive(Clone)]
struct Unreadable;

impl Serialize for Unreadable {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        7_u32.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Unreadable {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        u32::deserialize(deserializer)?;
        Err(serde::de::Error::custom("on purpose"))
    }
}

/// One value of this type cannot be written. All others can, so that the type can travel.
#[derive(Clone)]
struct Unwritable(u64);

const UNWRITABLE: u64 = 0xDEAD_BEEF;

impl Serialize for Unwritable {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            UNWRITABLE => Err(serde::ser::Error::custom("on purpose")),
            number => number.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Unwritable {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        u64::deserialize(deserializer).map(Self)
    }
}

#[distributed]
async fn raises(on: PeerId) -> Result<(), RemoteError> {
    remote!(on, [], { Err("on purpose")? }).await
}

#[distributed]
async fn raises_nested(on: PeerId) -> Result<(), RemoteError> {
    remote!(on, [on], { remote!(on, [], { Err("on purpose")? }).await? }).await
}

#[distributed]
async fn panics(on: PeerId, later: bool) -> Result<(), RemoteError> {
    remote!(on, [later], {
        if later {
            tokio::task::yield_now().await;
        }
        panic!("on purpose")
    })
    .await
}

#[distributed(require = authenticated)]
async fn for_others(on: PeerId) -> Result<(), RemoteError> {
    remote!(on, [], {}).await
}

#[distributed]
async fn reads(on: PeerId, value: Unreadable) -> Result<(), RemoteError> {
    remote!(on, [value], {
        let _ = value;
    })
    .await
}

#[distributed]
async fn gives_unreadable(on: PeerId) -> Result<Unreadable, RemoteError> {
    remote!(on, [], { Unreadable }).await
}

#[distributed]
async fn gives_unwritable(on: PeerId) -> Result<Unwritable, RemoteError> {
    remote!(on, [], { Unwritable(UNWRITABLE) }).await
}

#[distributed]
async fn sends_unwritable(on: PeerId, value: Unwritable) -> Result<(), RemoteError> {
    remote!(on, [value], {
        let _ = value;
    })
    .await
}

#[distributed]
async fn late(on: PeerId) -> Result<(), RemoteError> {
    remote!(on, [], { std::future::pending::<()>().await }).timeout(Duration::from_millis(5)).await
}

#[distributed]
async fn nowhere(on: PeerId) -> Result<(), RemoteError> {
    remote!(on, [], {}).timeout(Duration::from_millis(5)).await
}

#[distributed]
async fn lacks_data(on: PeerId) -> Result<(), RemoteError> {
    remote!(on, [], { drop(here::data::<Unwritable>()?) }).await
}

/// In how many ways calls fail here.
const WAYS: u64 = 14;

/// A call that fails; false if it does not, or in another way.
async fn fail(client: &Peer, on: PeerId, n: u64) -> bool {
    let kind_of = |result: Result<(), RemoteError>| result.err().map(|error| error.kind().clone());
    let kind = match n % WAYS {
        0 => kind_of(client.run(raises(on)).await),
        1 => kind_of(client.run(raises_nested(on)).await),
        2 | 3 => kind_of(client.run(panics(on, n % WAYS == 2)).await),
        4 => kind_of(client.run(for_others(on)).await),
        5 => kind_of(client.run(reads(on, Unreadable)).await),
        6 => kind_of(client.run(gives_unreadable(on)).await.map(drop)),
        7 => kind_of(client.run(gives_unwritable(on)).await.map(drop)),
        8 => kind_of(client.run(sends_unwritable(on, Unwritable(UNWRITABLE))).await),
        9 => kind_of(client.run(late(on)).await),
        10 => kind_of(client.run(nowhere(PeerId::random())).await),
        11 => kind_of(client.run(lacks_data(on)).await),
        // Too large; only now and then, because it has to be made.
        12 if n.is_multiple_of(64) => kind_of(client.run(take(on, vec![0; 17 << 20].into())).await.map(drop)),
        // Given up, before or after it was sent.
        _ => {
            let call = Box::pin(client.run(wait(on)));
            let given_up = Box::pin(tokio::task::yield_now());
            return matches!(select(call, given_up).await, Either::Right(_));
        }
    };
    matches!(
        (n % WAYS, kind),
        (0 | 1 | 11, Some(ErrorKind::Raised))
            | (2 | 3, Some(ErrorKind::Panicked))
            | (4, Some(ErrorKind::Refused(Refusal::Unauthenticated(_))))
            | (5, Some(ErrorKind::Refused(Refusal::DecodeCaptures(_) | Refusal::CannotTravel(_))))
            | (6, Some(ErrorKind::DecodeResult | ErrorKind::Refused(Refusal::CannotTravel(_))))
            | (7, Some(ErrorKind::EncodeResult))
            | (8, Some(ErrorKind::EncodeCaptures))
            | (9 | 10, Some(ErrorKind::DeadlineExceeded | ErrorKind::NotConnected))
            | (12, Some(ErrorKind::TooLarge { .. }))
    )
}

pub(crate) async fn run(progress: &Progress) -> anyhow::Result<Vec<Promise>> {
    let server = Server::start(1).await?;
    let client = server.client().await?;
    let mut others = 0;
    let mut before = (0.0, 0.0);
    for first in (0..CALLS + WARM_UP).step_by(AT_ONCE as usize) {
        if first == WARM_UP {
            before = (server.process.memory()?.now, Memory::of("self")?.now);
        }
        let calls = join_all((first..first + AT_ONCE).map(|n| fail(&client, server.id, n)));
        others += calls.await.into_iter().filter(|has_failed| !has_failed).count() as u64;
        progress.says(format_args!("{first} of {} calls", CALLS + WARM_UP));
    }
    while client.run(blocks_alive(server.id)).await? > 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    ensure!(client.sessions().len() == 1, "the session has not lasted");
    let left = client.run(memory_of(server.id)).await?.0 as f64 / f64::from(1 << 20);
    let after = (server.process.memory()?.now, Memory::of("self")?.now);
    let grown = |side: &str, before: f64, after: f64| {
        let note = format!("{} before, {} after", mebibytes(&before), mebibytes(&after));
        Promise::at_most(
            format!("memory of the {side} that they leave behind"),
            MOST,
            after - before,
            mebibytes,
        )
        .with(note)
    };
    Ok(vec![
        Promise::exactly(
            format!("of {CALLS} calls that fail in {WAYS} ways: those that end in another way"),
            0,
            others,
        ),
        Promise::at_most("what the server counts as held after them", 1.0, left, mebibytes),
        grown("server", before.0, after.0),
        grown("client", before.1, after.1),
    ])
}
