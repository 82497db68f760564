//! Types of which no synthetic value can be made, so their faults show only when a value is sent:
//! the fields next to a flattened struct or a validated text. Each value is checked before it is
//! sent: it arrives unchanged, or the peer that has it returns an error.

#![allow(clippy::unwrap_used, reason = "in a test, to panic is to fail")]

use std::collections::BTreeMap;

use distributed_scope::{ErrorKind, PeerId, Ran, RemoteError, distributed, remote};
use serde::{Deserialize, Serialize, Serializer};

mod support;

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Inner {
    value: u8,
}

/// Leaves its second field out, which every made-up value would show.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Short(u8, #[serde(default, skip_serializing_if = "Option::is_none")] Option<u8>, #[serde(default)] u8);

#[derive(Clone, Debug, Serialize, Deserialize)]
struct BesideFlattened {
    #[serde(flatten)]
    inner: Inner,
    short: Short,
}

/// Writes another number than it has.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct CentsBesideFlattened {
    #[serde(flatten)]
    inner: Inner,
    #[serde(serialize_with = "in_cents")]
    euros: u32,
}

fn in_cents<S: Serializer>(euros: &u32, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_u32(euros.wrapping_mul(100))
}

/// Takes no text that can be made up.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
struct Email(String);

impl TryFrom<String> for Email {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text.contains('@') { Ok(Self(text)) } else { Err(format!("{text:?} has no @")) }
    }
}

impl From<Email> for String {
    fn from(email: Email) -> Self {
        email.0
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct CentsBesideChecked {
    email: Email,
    #[serde(serialize_with = "in_cents")]
    euros: u32,
}

/// A flattened struct that flattens another.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Middle {
    before: u8,
    #[serde(flatten)]
    inner: Inner,
}

/// serde puts the fields of `middle` into `rest`, too; also in JSON.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct FlattenedMap {
    #[serde(flatten)]
    middle: Middle,
    #[serde(flatten)]
    rest: BTreeMap<String, u8>,
}

/// One test for each value: it is captured, and returned.
macro_rules! same_or_refused { ($($(#[$doc:meta])* $name:ident: $t:ty = $value:expr;)*) => {
    mod captured {
        use super::*;
        $(
            #[distributed]
            pub(super) async fn $name(to: PeerId, value: $t) -> Result<String, RemoteError> {
                remote!(to, [value], { format!("{value:?}") }).await
            }
        )*
    }
    mod returned {
        use super::*;
        $(
            #[distributed]
            pub(super) async fn $name(to: PeerId) -> Result<$t, RemoteError> {
                remote!(to, [], { $value }).await
            }
        )*
    }
    $(
        $(#[$doc])*
        #[actix_web::test]
        async fn $name() {
            let (server, client) = support::two_peers().await;
            let value: $t = $value;
            let sent = format!("{value:?}");
            match client.run(captured::$name(server.id(), value)).await {
                Ok(seen) => assert_eq!(seen, sent),
                Err(error) => assert_eq!(error.ran(), Ran::Never, "{error:#}"),
            }
            match client.run(returned::$name(server.id())).await {
                Ok(seen) => assert_eq!(format!("{seen:?}"), sent),
                // Its value is only known when the block has made it. The error is found there,
                // and the value is not sent.
                Err(error) => assert_eq!(*error.kind(), ErrorKind::EncodeResult, "{error:#}"),
            }
        }
    )*
} }

same_or_refused! {
    /// A tuple struct next to a flattened struct is checked like any other.
    short_beside_flattened: BesideFlattened = BesideFlattened { inner: Inner { value: 1 }, short: Short(1, None, 3) };
    /// `serialize_with` next to a flattened struct is checked like any other.
    serialize_with_beside_flattened: CentsBesideFlattened = CentsBesideFlattened { inner: Inner { value: 1 }, euros: 2 };
    /// `serialize_with` next to a validated text is found as anywhere else.
    serialize_with_beside_checked: CentsBesideChecked = CentsBesideChecked { email: Email("a@example.com".into()), euros: 2 };
    /// A flattened map takes no fields of others.
    flattened_map: FlattenedMap = FlattenedMap {
        middle: Middle { before: 1, inner: Inner { value: 2 } }, rest: [("k".to_owned(), 3)].into(),
    };
}
