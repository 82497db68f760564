//! Types whose values were changed in transit, or refused only after a block ran, each as small as
//! possible.
//!
//! `tests/generated` found them.

#![allow(missing_docs, reason = "types of tests")]

use std::collections::BTreeMap;
use std::fmt::Debug;

use distributed_scope::{Blocks, ErrorKind, Peer, PeerId, Ran, RemoteError, distributed, remote};
use serde::{Deserialize, Serialize};

#[derive(Debug, Serialize, Deserialize)]
pub struct Number {
    number: u128,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct FlattenedOption {
    #[serde(flatten)]
    inner: Option<Number>,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Flattened {
    #[serde(flatten)]
    inner: Number,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct FlattenedMap {
    #[serde(flatten)]
    rest: BTreeMap<String, i128>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Untagged {
    Number(u128),
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "tag")]
pub enum Internal {
    Number { number: u128 },
}

#[derive(Debug, Serialize, Deserialize)]
pub struct NotRead(u8, #[serde(skip_deserializing)] u8);

#[derive(Debug, Serialize, Deserialize)]
pub struct BesideMap {
    tuple: NotRead,
    #[serde(flatten)]
    rest: BTreeMap<String, u8>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "tag", content = "content")]
pub enum Adjacent {
    Unit,
    Tuple(u8, #[serde(skip_deserializing)] u8),
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub enum IntegerOrFloat {
    Integer(i128),
    Float(f64),
}

#[derive(Debug, Serialize, Deserialize)]
pub struct HasTuple {
    tuple: NotRead,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct FlattenedOptionWithTuple {
    #[serde(flatten)]
    inner: Option<HasTuple>,
}

/// A value that is captured either arrives or is refused before the block runs. One that the block
/// makes is known only then: it arrives, or the peer that made it says that it cannot be sent.
fn assert_equal_or_refused<T: Debug>(sent: &T, back: Result<T, RemoteError>) {
    match back {
        Ok(back) => assert_eq!(format!("{back:?}"), format!("{sent:?}")),
        Err(error) => {
            let is_told = error.ran() == Ran::Never || *error.kind() == ErrorKind::EncodeResult;
            assert!(is_told, "{error:#}");
        }
    }
}

fn peer() -> Peer {
    Peer::builder(PeerId::random()).expose(Blocks::all()).start()
}

macro_rules! regressions {
    ($($(#[$doc:meta])* $name:ident: $type:ty = $value:expr;)*) => { $(
        mod $name {
            use super::*;

            #[distributed]
            async fn capture(to: PeerId, before: u8, value: $type, after: String) -> Result<$type, RemoteError> {
                remote!(to, [before, value, after], { let _ = (before, after); value }).await
            }

            #[distributed]
            async fn result(to: PeerId) -> Result<$type, RemoteError> {
                remote!(to, [], { $value }).await
            }

            $(#[$doc])*
            #[actix_web::test]
            async fn as_a_capture() {
                let peer = peer();
                let back = peer.run(capture(peer.id(), 1, $value, "after".to_owned())).await;
                assert_equal_or_refused(&$value, back);
            }

            $(#[$doc])*
            #[actix_web::test]
            async fn as_a_result() {
                let peer = peer();
                let back = peer.run(result(peer.id())).await;
                assert_equal_or_refused(&$value, back);
            }
        }
    )* };
}

regressions! {
    /// serde takes a flattened option for absent if it cannot be read, and its buffer has no
    /// numbers of
    /// 128 bits: so `Some` arrives as `None`.
    flattened_option_with_128_bits: FlattenedOption = FlattenedOption { inner: Some(Number { number: 1 }) };

    /// Of a flattened option, as above, whatever the reason is why it cannot be read.
    flattened_option_with_unread_tuple_field: FlattenedOptionWithTuple =
        FlattenedOptionWithTuple { inner: Some(HasTuple { tuple: NotRead(1, 0) }) };

    /// The first variant cannot be read from serde's buffer, and the second one takes the number:
    /// so an
    /// integer arrives as a float.
    untagged_128_bits_beside_float: IntegerOrFloat = IntegerOrFloat::Integer(1);

    /// serde's buffer has no numbers of 128 bits. The made-up values of the type do not show it.
    flattened_128_bits: Flattened = Flattened { inner: Number { number: 1 } };

    /// As above, in a map.
    flattened_map_of_128_bits: FlattenedMap =
        FlattenedMap { rest: BTreeMap::from([("key".to_owned(), i128::MIN)]) };

    /// As above, without a tag.
    untagged_128_bits: Untagged = Untagged::Number(1);

    /// As above, with a tag inside.
    internally_tagged_128_bits: Internal = Internal::Number { number: 1 };

    /// A tuple of which more is written than read is refused at start. Beside a flattened map it is
    /// not.
    unread_tuple_field_beside_flattened_map: BesideMap =
        BesideMap { tuple: NotRead(1, 0), rest: BTreeMap::new() };

    /// As above, in an enum with a tag and a content.
    unread_tuple_field_in_adjacent_enum: Adjacent = Adjacent::Tuple(1, 0);
}
