//! Types that cannot be sent, and values that cannot: refused at the call, before anything runs,
//! with a text that names the type.

#![allow(clippy::unwrap_used, reason = "in a test, to panic is to fail")]
#![allow(dead_code, reason = "no value arrives that would be read")]
#![allow(clippy::option_option, reason = "told apart here: absent, null, and a value")]

use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

use distributed_scope::{ErrorKind, PeerId, Ran, Refusal, RemoteError, distributed, remote};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

mod support;

/// How many blocks ran that should not.
static RAN: AtomicU32 = AtomicU32::new(0);

/// A field in the middle is left out, and has no name.
#[derive(Debug, Serialize, Deserialize)]
struct Middle(u8, #[serde(skip_serializing_if = "Option::is_none")] Option<u8>, u8);

/// The last field has a default, and still has no name by which it would be missed.
#[derive(Debug, Serialize, Deserialize)]
struct Last(u8, #[serde(default, skip_serializing_if = "Option::is_none")] Option<u8>);

/// What is left out is missed, because it has no default.
#[derive(Debug, Serialize, Deserialize)]
struct NoDefault {
    before: u8,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    notes: Vec<u8>,
    after: u8,
}

#[derive(Debug, Serialize, Deserialize)]
enum MiddleOfVariant {
    Values(u8, #[serde(skip_serializing_if = "Option::is_none")] Option<u8>, u8),
}

/// `serialize_with` writes a text, and a number is read.
#[derive(Debug, Serialize, Deserialize)]
struct WrittenAsText {
    #[serde(serialize_with = "as_text")]
    number: u32,
}

fn as_text<S: Serializer>(number: &u32, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(number)
}

/// `serialize_with` writes another number of the same type.
#[derive(Debug, Serialize, Deserialize)]
struct WrittenInCents {
    #[serde(serialize_with = "in_cents")]
    euros: u32,
}

fn in_cents<S: Serializer>(euros: &u32, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_u32(euros.wrapping_mul(100))
}

/// `deserialize_with` reads a text, and a number is written.
#[derive(Debug, Serialize, Deserialize)]
struct ReadAsText {
    #[serde(deserialize_with = "from_text")]
    number: u32,
}

fn from_text<'de, D: Deserializer<'de>>(from: D) -> Result<u32, D::Error> {
    String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
}

/// One level of `Option` is written that is not read.
#[derive(Debug, Serialize, Deserialize)]
struct Patch {
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    field: Option<Option<u8>>,
}

fn present<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Option<u8>>, D::Error> {
    Option::deserialize(from).map(Some)
}

/// A variant is read that is not written.
#[derive(Debug, Serialize, Deserialize)]
enum UnwrittenVariant {
    First,
    #[serde(skip_serializing)]
    Local,
}

/// CBOR carries it, for a field may be left out; there names count.
#[derive(Debug, Serialize, Deserialize)]
struct TwoNames {
    #[serde(rename(serialize = "out", deserialize = "in"))]
    name: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    other: Option<u32>,
}

/// The same, where a missing field would become the default.
#[derive(Debug, Serialize, Deserialize)]
struct TwoNamesAndDefault {
    #[serde(rename(serialize = "out", deserialize = "in"), default)]
    name: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    other: Option<u32>,
}

#[derive(Debug, Serialize, Deserialize)]
struct OptionWithTwoNames {
    #[serde(rename(serialize = "out", deserialize = "in"))]
    name: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    other: Option<u32>,
}

/// One function for each type, which captures a value or returns one; and a test that both are
/// refused.
macro_rules! refused { ($($name:ident: $t:ty = $value:expr;)*) => {
    mod captured {
        use super::*;
        $(
            #[distributed]
            pub(super) async fn $name(to: PeerId, value: $t) -> Result<(), RemoteError> {
                let (before, after) = (1_u8, 2_u8);
                remote!(to, [before, value, after], {
                    RAN.fetch_add(1, SeqCst);
                    let _arrived = (before, value, after);
                })
                .await
            }
        )*
    }
    mod returned {
        use super::*;
        $(
            #[distributed]
            pub(super) async fn $name(to: PeerId) -> Result<$t, RemoteError> {
                remote!(to, [], {
                    RAN.fetch_add(1, SeqCst);
                    $value
                })
                .await
            }
        )*
    }
    $(
        #[actix_web::test]
        async fn $name() {
            let (server, client) = support::two_peers().await;
            let captured = client.run(captured::$name(server.id(), $value)).await.unwrap_err();
            let returned = client.run(returned::$name(server.id())).await.unwrap_err();
            let name = stringify!($t);
            assert_refused(&captured, name);
            assert_refused(&returned, name);
            for listed in &client.blocks() {
                let block = listed.block;
                if block.path.contains(concat!("captured::", stringify!($name), "#")) {
                    assert_eq!(block.captures_codec(), None, "{block}");
                }
                if block.path.contains(concat!("returned::", stringify!($name), "#")) {
                    assert_eq!(block.result_codec(), None, "{block}");
                }
            }
        }
    )*
} }

fn assert_refused(error: &RemoteError, name: &str) {
    let text = format!("{error:#}");
    assert_eq!((error.ran(), RAN.load(SeqCst)), (Ran::Never, 0), "{text}");
    assert!(matches!(error.kind(), ErrorKind::Refused(Refusal::CannotTravel(_))), "{text}");
    assert!(text.contains(name) && text.contains("cannot travel: "), "{text}");
    assert!(text.contains("what its `Serialize` writes has to be what its `Deserialize` reads"), "{text}");
}

refused! {
    middle_of_tuple_struct: Middle = Middle(1, None, 3);
    last_of_tuple_struct: Last = Last(1, None);
    middle_of_tuple_variant: MiddleOfVariant = MiddleOfVariant::Values(1, None, 3);
    skip_without_default: NoDefault = NoDefault { before: 1, notes: vec![], after: 2 };
    serialize_with_other_form: WrittenAsText = WrittenAsText { number: 1 };
    serialize_with_other_value: WrittenInCents = WrittenInCents { euros: 1 };
    deserialize_with_other_form: ReadAsText = ReadAsText { number: 1 };
    double_option_by_hand: Patch = Patch { field: Some(None) };
    variant_with_skip_serializing: UnwrittenVariant = UnwrittenVariant::First;
    two_names_in_cbor: TwoNames = TwoNames { name: 1, other: None };
    two_names_and_default: TwoNamesAndDefault = TwoNamesAndDefault { name: 1, other: None };
    option_with_two_names: OptionWithTwoNames = OptionWithTwoNames { name: Some(1), other: None };
}
