//! Types that bincode carries, in a struct that needs CBOR.

#![allow(clippy::unwrap_used, reason = "in a test, to panic is to fail")]
#![allow(clippy::option_option, reason = "told apart here: `None` and `Some(None)`")]
#![allow(clippy::type_complexity, reason = "each case groups several types")]
#![allow(dead_code, reason = "what arrives is compared by its `Debug` text")]

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU64;
use std::ops::{Bound, Range};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

#[macro_use]
mod cases;
mod support;

/// A struct that needs names.
#[derive(Debug, Serialize, Deserialize)]
struct Named<T> {
    #[serde(skip_serializing_if = "Option::is_none")]
    absent: Option<u8>,
    value: T,
}

fn named<T>(value: T) -> Named<T> {
    Named { absent: None, value }
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
enum Key {
    Unit,
    Newtype(u8),
    Tuple(u8, bool),
    Struct { a: Option<u8> },
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Point {
    x: i8,
    y: i8,
}

#[derive(Debug, Serialize, Deserialize)]
struct Unit;

#[derive(Debug, Serialize, Deserialize)]
struct Tuple(u8, Option<Unit>);

#[derive(Debug, Serialize, Deserialize)]
struct Newtype(Option<Option<()>>);

fn keys() -> [Key; 4] {
    [Key::Unit, Key::Newtype(1), Key::Tuple(2, true), Key::Struct { a: None }]
}

cases! {
    named_integers: Named<(i8, i16, i32, i64, u64)> = Cbor [named((i8::MIN, i16::MIN, i32::MIN, i64::MIN, u64::MAX)), named((-1, 23, 24, 255, 256))];
    named_big_integers: Named<(i128, u128)> = Cbor [
        named((i128::MIN, u128::MAX)), named((i128::MAX, 0)), named((-1, 1 << 64)), named((i128::from(i64::MIN) - 1, u128::from(u64::MAX))),
    ];
    named_floats: Named<(f32, f64, Vec<f32>)> = Cbor [named((-0.0, f64::NAN, vec![0.1])), named((f32::INFINITY, 1.0, vec![]))];
    named_chars: Named<(char, char)> = Cbor [named(('\0', '\u{10ffff}'))];
    named_texts: Named<(String, Vec<u8>, bytes::Bytes)> = Cbor [named(("\0\u{e4}".into(), vec![0, 0xff], bytes::Bytes::new()))];
    named_units: Named<((), Unit, [u8; 0])> = Cbor [named(((), Unit, []))];
    named_options: Named<(Option<()>, Option<Option<u8>>, Option<Unit>)> = Cbor [
        named((None, None, None)), named((Some(()), Some(None), Some(Unit))), named((None, Some(Some(1)), None)),
    ];
    named_structs: Named<(Tuple, Newtype, Point)> = Cbor [
        named((Tuple(1, Some(Unit)), Newtype(Some(None)), Point { x: 1, y: -1 })), named((Tuple(1, None), Newtype(Some(Some(()))), Point { x: 0, y: 0 })),
    ];
    named_option_of_vec: Named<Vec<Option<Vec<Option<()>>>>> = Cbor [named(vec![None, Some(vec![]), Some(vec![None, Some(())])])];
    named_enums: Named<(Vec<Key>, Result<u8, ()>)> = Cbor [named((keys().to_vec(), Err(()))), named((vec![], Ok(1)))];
    map_by_enum: Named<BTreeMap<Key, u8>> = Cbor [named(keys().into_iter().zip(0..).collect())];
    map_by_struct: Named<BTreeMap<Point, u8>> = Cbor [named([(Point { x: -1, y: 1 }, 1), (Point { x: 0, y: 0 }, 2)].into())];
    map_by_option: Named<BTreeMap<Option<Option<()>>, u8>> = Cbor [named([(None, 1), (Some(None), 2), (Some(Some(())), 3)].into())];
    map_by_numbers: Named<(BTreeMap<i128, u8>, BTreeMap<char, u8>, BTreeMap<bool, u8>)> = Cbor [
        named(([(i128::MIN, 1), (-1, 2)].into(), [('a', 1)].into(), [(true, 1)].into())),
    ];
    map_by_bytes: Named<(BTreeMap<Vec<u8>, u8>, BTreeSet<(u8, ())>)> = Cbor [named(([(vec![], 1), (vec![1], 2)].into(), [(1, ())].into()))];
    named_std: Named<(Duration, SystemTime, Range<i8>, Bound<u8>, NonZeroU64)> = Cbor [
        named((Duration::MAX, SystemTime::UNIX_EPOCH, -1..1, Bound::Excluded(1), NonZeroU64::MAX)),
    ];
    named_addresses: Named<(IpAddr, SocketAddr)> = Cbor [
        named(([127, 0, 0, 1].into(), ([1, 2, 3, 4], 5).into())), named(("::1".parse().unwrap(), "[::1]:5".parse().unwrap())),
    ];
    named_crates: Named<(uuid::Uuid, url::Url, semver::Version, indexmap::IndexMap<u8, u8>, time::OffsetDateTime)> = Cbor [
        named((
            uuid::Uuid::max(), "https://example.com/".parse().unwrap(), semver::Version::new(1, 2, 3), [(2, 1), (1, 2)].into(),
            time::OffsetDateTime::UNIX_EPOCH,
        )),
    ];
    named_json: Named<(Option<serde_json::Value>, u8)> = CborText [named((Some(serde_json::Value::Null), 1)), named((None, 2))];
    named_ip_net: Named<ipnet::IpNet> = CborText [named("10.0.0.0/8".parse().unwrap())];
}
