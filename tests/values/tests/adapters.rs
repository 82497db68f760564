//! Adapters of `serde_with` and `serde_bytes`, each in the middle field of a struct.

#![allow(clippy::unwrap_used, reason = "in a test, to panic is to fail")]
#![allow(dead_code, reason = "what arrives is compared by its `Debug` text")]

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_with::base64::Base64;
use serde_with::hex::Hex;
use serde_with::{
    BoolFromInt, Bytes, DefaultOnError, DefaultOnNull, DisplayFromStr, DurationMilliSeconds, OneOrMany, Same,
    Seq, serde_as, skip_serializing_none,
};

#[macro_use]
mod cases;
mod support;

/// Structs whose middle field travels by an adapter, and what makes each of them.
macro_rules! adapted { ($($name:ident as $adapter:literal: $t:ty;)*) => { $(
    #[serde_as]
    #[derive(Debug, Serialize, Deserialize)]
    struct $name {
        before: u8,
        #[serde_as(as = $adapter)]
        value: $t,
        after: u8,
    }

    impl $name {
        fn of(value: $t) -> Self {
            Self { before: 1, value, after: 2 }
        }
    }
)* } }

adapted! {
    DisplayText as "DisplayFromStr": IpAddr;
    HexText as "Hex": Vec<u8>;
    Base64Text as "Base64": Vec<u8>;
    Milliseconds as "DurationMilliSeconds<u64>": Duration;
    MapAsList as "Seq<(Same, DisplayFromStr)>": BTreeMap<u8, u16>;
    KeysAsText as "BTreeMap<DisplayFromStr, Same>": BTreeMap<u8, u16>;
    OneOrMore as "OneOrMany<Same>": Vec<u8>;
    OnError as "DefaultOnError": u8;
    OnNull as "DefaultOnNull": u8;
    AsBytes as "Bytes": Vec<u8>;
    BoolAsNumber as "BoolFromInt": bool;
}

#[skip_serializing_none]
#[derive(Debug, Serialize, Deserialize)]
struct SkipNone {
    a: Option<u8>,
    b: u8,
}

#[derive(Debug, Serialize, Deserialize)]
struct SerdeBytes {
    before: u8,
    #[serde(with = "serde_bytes")]
    value: Vec<u8>,
    #[serde(with = "serde_bytes")]
    array: [u8; 4],
}

cases! {
    display_from_str: DisplayText = Bincode [DisplayText::of("127.0.0.1".parse().unwrap())];
    hex: HexText = Bincode [HexText::of(vec![]), HexText::of(vec![0, 0xff])];
    base64: Base64Text = Bincode [Base64Text::of(vec![]), Base64Text::of(vec![0, 0xff])];
    duration_milliseconds: Milliseconds = Bincode [Milliseconds::of(Duration::from_millis(1500))];
    map_as_list: MapAsList = Bincode [MapAsList::of([(1, 2)].into())];
    keys_as_text: KeysAsText = Bincode [KeysAsText::of([(1, 2)].into())];
    one_or_many: OneOrMore = CborText [OneOrMore::of(vec![]), OneOrMore::of(vec![1]), OneOrMore::of(vec![1, 2])];
    default_on_error: OnError = CborText [OnError::of(0), OnError::of(255)];
    default_on_null: OnNull = Bincode [OnNull::of(0), OnNull::of(255)];
    as_bytes: AsBytes = Bincode [AsBytes::of(vec![]), AsBytes::of(vec![0, 0xff])];
    bool_from_int: BoolAsNumber = Bincode [BoolAsNumber::of(false), BoolAsNumber::of(true)];
    skip_serializing_none: SkipNone = Cbor [SkipNone { a: None, b: 1 }, SkipNone { a: Some(2), b: 1 }];
    with_serde_bytes: SerdeBytes = Bincode [SerdeBytes { before: 1, value: vec![0, 0xff], array: [1, 2, 3, 4] }];
}
