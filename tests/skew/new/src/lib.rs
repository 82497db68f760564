//! The new version: each function but the harmless ones has one change.

use std::sync::{Mutex, PoisonError};

use distributed_scope::{PeerId, RemoteError, distributed, remote};
use serde::{Deserialize, Serialize};

pub mod blocks;
pub mod data;

// The same module in another file, which is laid out differently.
#[rustfmt::skip]
#[path = "elsewhere/moved.rs"]
pub mod steady;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Order {
    pub account: Option<Account>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Account {
    pub balance: Vec<Money>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Money {
    pub cents: u64,
    pub currency: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum State {
    Open,
    Paid(u64),
    Cancelled,
}

static RAN: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Each block says that it ran.
pub(crate) fn note(case: &str) {
    RAN.lock().unwrap_or_else(PoisonError::into_inner).push(case.to_owned());
}

#[distributed]
pub async fn ran(on: PeerId) -> Result<Vec<String>, RemoteError> {
    remote!(on, [], { RAN.lock().unwrap_or_else(PoisonError::into_inner).clone() }).await
}

#[distributed]
pub async fn body(on: PeerId) -> Result<u32, RemoteError> {
    remote!(on, [], {
        note("body");
        2
    })
    .await
}

#[distributed]
pub async fn inserted(on: PeerId) -> Result<u32, RemoteError> {
    remote!(on, [], { note("inserted before") }).await?;
    remote!(on, [], {
        note("inserted");
        1
    })
    .await
}

#[distributed]
pub async fn capture_type(on: PeerId) -> Result<u64, RemoteError> {
    let n = 1_i32;
    remote!(on, [n], {
        note("capture type");
        n as u64
    })
    .await
}

#[distributed]
pub async fn field(on: PeerId, order: Order) -> Result<usize, RemoteError> {
    remote!(on, [order], {
        note("field");
        order.account.map_or(0, |account| account.balance.len())
    })
    .await
}

#[distributed]
pub async fn variant(on: PeerId, state: State) -> Result<bool, RemoteError> {
    remote!(on, [state], {
        note("variant");
        matches!(state, State::Open)
    })
    .await
}

#[distributed]
pub async fn result(on: PeerId) -> Result<Option<Money>, RemoteError> {
    remote!(on, [], {
        note("result");
        None
    })
    .await
}

#[distributed]
pub async fn with_another_name(on: PeerId) -> Result<u32, RemoteError> {
    remote!(on, [], {
        note("renamed");
        1
    })
    .await
}

pub async fn call_renamed(on: PeerId) -> Result<u32, RemoteError> {
    with_another_name(on).await
}

#[distributed]
pub async fn named_body(on: PeerId) -> Result<u32, RemoteError> {
    let n = 1_u32;
    remote!(
        on,
        [n],
        #[block(name = "named body")]
        {
            note("named body");
            n * 10
        }
    )
    .await
}

#[distributed]
pub async fn named_interface(on: PeerId) -> Result<u32, RemoteError> {
    let n = 1_u16;
    remote!(
        on,
        [n],
        #[block(name = "named interface")]
        {
            note("named interface");
            n.into()
        }
    )
    .await
}
