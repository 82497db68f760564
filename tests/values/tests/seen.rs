//! Bugs that users reported: values that arrived changed without an error, and types that were
//! refused only after a block had run.

#![allow(clippy::unwrap_used, reason = "in a test, to panic is to fail")]

use distributed_scope::{PeerId, RemoteError, distributed, remote};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

mod support;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Short {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    a: Option<u8>,
    b: u8,
    v: Vec<u8>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Order {
    id: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    coupon: Option<u8>,
    count: u8,
    price: u32,
    notes: Vec<u8>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Hidden {
    b: u8,
    #[serde(default, skip_serializing)]
    a: u8,
    v: Vec<u8>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Computed {
    #[serde(skip_deserializing)]
    a: u8,
    b: u8,
    v: Vec<u8>,
}

#[distributed]
async fn left_out(
    to: PeerId,
    s: Short,
    o: Order,
    h: Hidden,
    c: Computed,
) -> Result<[String; 4], RemoteError> {
    remote!(to, [s, o, h, c], { [format!("{s:?}"), format!("{o:?}"), format!("{h:?}"), format!("{c:?}")] })
        .await
}

#[distributed]
async fn short(to: PeerId, b: u8, v: Vec<u8>) -> Result<Short, RemoteError> {
    remote!(to, [b, v], { Short { a: None, b, v } }).await
}

/// A field that is left out does not shift the ones after it.
#[actix_web::test]
async fn field_that_is_left_out_shifts_nothing() {
    let (server, client) = support::two_peers().await;
    let to = server.id();
    let s = Short { a: None, b: 0, v: vec![2, 9, 9] };
    let o = Order { id: 94, coupon: None, count: 0, price: 79, notes: vec![4, 2, 7, 8, 2] };
    let (h, c) = (Hidden { b: 0, a: 0, v: vec![0] }, Computed { a: 0, b: 1, v: vec![] });
    let sent = [format!("{s:?}"), format!("{o:?}"), format!("{h:?}"), format!("{c:?}")];
    assert_eq!(client.run(left_out(to, s.clone(), o, h, c)).await.unwrap(), sent);
    assert_eq!(client.run(short(to, 0, vec![2, 9, 9])).await.unwrap(), s);
    let empty = Short { a: None, b: 5, v: vec![] };
    assert_eq!(client.run(short(to, 5, vec![])).await.unwrap(), empty);
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Status {
    New,
    #[serde(skip)]
    #[allow(dead_code, reason = "it never travels")]
    Internal,
    Paid,
    Cancelled,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Command {
    Get(String),
    #[serde(skip)]
    #[allow(dead_code, reason = "it never travels")]
    Local(u8),
    Put(String),
    Delete(String),
}

#[distributed]
async fn variants(to: PeerId, status: Status, command: Command) -> Result<(Status, String), RemoteError> {
    remote!(to, [status, command], {
        let seen = format!("{status:?} {command:?}");
        (status, seen)
    })
    .await
}

/// A variant behind a skipped one is not taken for another.
#[actix_web::test]
async fn variant_behind_skipped_one_arrives() {
    let (server, client) = support::two_peers().await;
    let text = || "important".to_owned();
    for status in [Status::New, Status::Paid, Status::Cancelled] {
        for command in [Command::Get(text()), Command::Put(text()), Command::Delete(text())] {
            let seen = format!("{status:?} {command:?}");
            let back = client.run(variants(server.id(), status.clone(), command)).await.unwrap();
            assert_eq!(back, (status.clone(), seen));
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Untagged {
    Number(i64),
    Text(String),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind")]
enum Tagged {
    A { n: i64 },
    B,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Flat {
    a: u8,
    #[serde(flatten)]
    inner: Inner,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Inner {
    x: i32,
}

macro_rules! makes { ($($name:ident: $t:ty = [$($value:expr),*];)*) => {
    $(
        #[distributed]
        async fn $name(to: PeerId, index: usize) -> Result<$t, RemoteError> {
            remote!(to, [index], { vec![$($value),*].swap_remove(index) }).await
        }
    )*

    /// A result that only a format with names can carry arrives.
    #[actix_web::test]
    async fn results_that_need_names_arrive() {
        let (server, client) = support::two_peers().await;
        $(
            for (index, value) in vec![$($value),*].into_iter().enumerate() {
                assert_eq!(client.run($name(server.id(), index)).await.unwrap(), value);
            }
        )*
    }
} }

makes! {
    untagged: Untagged = [Untagged::Number(1), Untagged::Text("1".into())];
    tagged: Tagged = [Tagged::A { n: -1 }, Tagged::B];
    flat: Flat = [Flat { a: 1, inner: Inner { x: 2 } }];
    json: Value = [json!({ "a": 1 }), Value::Null];
    decimal: Decimal = [Decimal::new(12345, 2)];
}
