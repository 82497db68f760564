//! Each attribute of fields.

#![allow(clippy::unwrap_used, reason = "in a test, to panic is to fail")]
#![allow(dead_code, reason = "what arrives is compared by its `Debug` text")]
#![allow(clippy::option_option, reason = "told apart here: absent, null, and a value")]

use std::collections::BTreeMap;
use std::fmt::Debug;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

#[macro_use]
mod cases;
mod support;

#[derive(Debug, Serialize, Deserialize)]
struct SkipIf {
    id: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    coupon: Option<u32>,
    count: u32,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    notes: Vec<u8>,
}

#[derive(Debug, Serialize, Deserialize)]
struct SkipRare {
    #[serde(default = "rare", skip_serializing_if = "is_rare")]
    a: u32,
    b: u32,
}

/// An `Option` that is absent is `None`, with and without `default`.
#[derive(Debug, Serialize, Deserialize)]
struct SkipOption {
    before: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    one: Option<u8>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    two: Option<Option<u8>>,
    after: u8,
}

fn rare() -> u32 {
    5757
}

fn is_rare(number: &u32) -> bool {
    *number == rare()
}

#[derive(Debug, Serialize, Deserialize)]
struct Skip {
    a: u32,
    #[serde(skip)]
    b: u32,
    c: u32,
    #[serde(skip, default = "seven")]
    d: u32,
}

fn seven() -> u32 {
    7
}

#[derive(Debug, Serialize, Deserialize)]
struct SkipSerializing {
    a: u32,
    #[serde(skip_serializing, default)]
    b: u32,
    c: u32,
}

#[derive(Debug, Serialize, Deserialize)]
struct SkipDeserializing {
    a: u32,
    #[serde(skip_deserializing)]
    b: u32,
    c: u32,
}

#[derive(Debug, Serialize, Deserialize)]
struct SkipUnnamed(u8, #[serde(skip)] u8, u8);

#[derive(Debug, Serialize, Deserialize)]
struct FieldDefault {
    #[serde(default)]
    a: u32,
    #[serde(default = "seven")]
    b: u32,
}

#[derive(Debug, Serialize, Deserialize)]
struct Renamed {
    #[serde(rename = "n", alias = "number")]
    a: u8,
    b: u8,
}

/// Names do not count in bincode.
#[derive(Debug, Serialize, Deserialize)]
struct TwoNames {
    #[serde(rename(serialize = "out", deserialize = "in"))]
    name: u32,
    other: u32,
}

/// In CBOR they do, and `alias` reads the name that is written.
#[derive(Debug, Serialize, Deserialize)]
struct TwoNamesAndAlias {
    #[serde(rename(serialize = "out", deserialize = "in"), alias = "out")]
    name: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    other: Option<u32>,
}

#[derive(Debug, Serialize, Deserialize)]
struct FlattenStruct {
    a: u8,
    #[serde(flatten)]
    inner: Inner,
    b: u8,
}

#[derive(Debug, Serialize, Deserialize)]
struct Inner {
    x: i32,
    y: Option<u8>,
}

#[derive(Debug, Serialize, Deserialize)]
struct FlattenMap {
    a: u8,
    #[serde(flatten)]
    rest: BTreeMap<String, u32>,
}

#[derive(Debug, Serialize, Deserialize)]
struct FlattenOption {
    a: u8,
    #[serde(flatten)]
    inner: Option<Inner>,
}

#[derive(Debug, Serialize, Deserialize)]
struct With {
    before: u8,
    #[serde(with = "hex")]
    key: Vec<u8>,
    after: u8,
}

mod hex {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(crate) fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(from)?;
        let digits: Vec<_> = text.chars().collect();
        let bytes = digits.chunks(2).map(|pair| u8::from_str_radix(&pair.iter().collect::<String>(), 16));
        bytes.collect::<Result<_, _>>().map_err(D::Error::custom)
    }
}

/// `serialize_with` alone, which writes what the field's own `Deserialize` reads.
#[derive(Debug, Serialize, Deserialize)]
struct SerializeWith {
    before: u8,
    #[serde(serialize_with = "borrowed")]
    text: String,
    after: u8,
}

fn borrowed<S: Serializer>(text: &str, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(text)
}

/// `deserialize_with` alone, which takes two forms of a number.
#[derive(Debug, Serialize, Deserialize)]
struct DeserializeWith {
    before: u8,
    #[serde(deserialize_with = "number_or_text")]
    number: u64,
    after: u8,
}

fn number_or_text<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either {
        Number(u64),
        Text(String),
    }
    match Either::deserialize(from)? {
        Either::Number(number) => Ok(number),
        Either::Text(text) => text.parse().map_err(serde::de::Error::custom),
    }
}

/// Absent, `null` and a value, as `serde_with` distinguishes them.
#[derive(Debug, Serialize, Deserialize)]
struct DoubleOption {
    before: u8,
    #[serde(default, skip_serializing_if = "Option::is_none", with = "serde_with::rust::double_option")]
    patch: Option<Option<u8>>,
    after: u8,
}

/// Bounds that serde would not have found.
#[derive(Debug, Serialize, Deserialize)]
struct Bounded<T: Part> {
    #[serde(bound(serialize = "T::Of: Serialize", deserialize = "T::Of: Deserialize<'de>"))]
    of: T::Of,
}

trait Part: Debug {
    type Of: Debug;
}

#[derive(Debug)]
struct Whole;

impl Part for Whole {
    type Of = u8;
}

cases! {
    skip_serializing_if: SkipIf = Cbor [
        SkipIf { id: 1, coupon: None, count: 1, notes: vec![] }, SkipIf { id: 1, coupon: Some(7), count: 2, notes: vec![0] },
    ];
    skip_serializing_if_rare: SkipRare = Bincode [SkipRare { a: 1, b: 2 }, SkipRare { a: 5757, b: 5757 }];
    skip_serializing_if_option: SkipOption = Cbor [
        SkipOption { before: 1, one: None, two: None, after: 2 },
        SkipOption { before: 1, one: Some(3), two: Some(None), after: 2 },
        SkipOption { before: 1, one: Some(4), two: Some(Some(5)), after: 2 },
    ];
    skip: Skip = Bincode
        [Skip { a: 1, b: 0, c: 3, d: 7 }, Skip { a: 1, b: 2, c: 3, d: 4 }] arrives [Skip { a: 1, b: 0, c: 3, d: 7 }, Skip { a: 1, b: 0, c: 3, d: 7 }];
    skip_serializing: SkipSerializing = Cbor
        [SkipSerializing { a: 1, b: 0, c: 3 }, SkipSerializing { a: 1, b: 2, c: 3 }]
        arrives [SkipSerializing { a: 1, b: 0, c: 3 }, SkipSerializing { a: 1, b: 0, c: 3 }];
    skip_deserializing: SkipDeserializing = Cbor
        [SkipDeserializing { a: 1, b: 0, c: 3 }, SkipDeserializing { a: 1, b: 2, c: 3 }]
        arrives [SkipDeserializing { a: 1, b: 0, c: 3 }, SkipDeserializing { a: 1, b: 0, c: 3 }];
    skip_unnamed: SkipUnnamed = Bincode [SkipUnnamed(1, 2, 3)] arrives [SkipUnnamed(1, 0, 3)];
    field_default: FieldDefault = Bincode [FieldDefault { a: 0, b: 0 }, FieldDefault { a: 1, b: 7 }];
    renamed_field: Renamed = Bincode [Renamed { a: 1, b: 2 }];
    two_names: TwoNames = Bincode [TwoNames { name: 1, other: 2 }];
    two_names_with_alias: TwoNamesAndAlias = Cbor [TwoNamesAndAlias { name: 1, other: None }, TwoNamesAndAlias { name: 1, other: Some(2) }];
    flatten_struct: FlattenStruct = CborText [
        FlattenStruct { a: 1, inner: Inner { x: 2, y: None }, b: 3 }, FlattenStruct { a: 1, inner: Inner { x: -2, y: Some(0) }, b: 3 },
    ];
    flatten_map: FlattenMap = CborText [FlattenMap { a: 1, rest: [("k".into(), 2)].into() }, FlattenMap { a: 1, rest: BTreeMap::new() }];
    flatten_option: FlattenOption = CborText [
        FlattenOption { a: 1, inner: None }, FlattenOption { a: 1, inner: Some(Inner { x: 2, y: Some(3) }) },
    ];
    with: With = Bincode [With { before: 1, key: vec![], after: 2 }, With { before: 1, key: vec![0, 0xff], after: 2 }];
    serialize_with: SerializeWith = Bincode [SerializeWith { before: 1, text: "x".into(), after: 2 }];
    deserialize_with: DeserializeWith = CborText [DeserializeWith { before: 1, number: u64::MAX, after: 2 }];
    double_option: DoubleOption = Bincode [
        DoubleOption { before: 1, patch: None, after: 2 },
        DoubleOption { before: 1, patch: Some(None), after: 2 },
        DoubleOption { before: 1, patch: Some(Some(3)), after: 2 },
    ];
    bound: Bounded<Whole> = Bincode [Bounded { of: 1 }];
}
