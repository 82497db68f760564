//! Each attribute of structs, and structs of each form.

#![allow(clippy::unwrap_used, reason = "in a test, to panic is to fail")]
#![allow(dead_code, reason = "what arrives is compared by its `Debug` text")]

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

#[macro_use]
mod cases;
mod support;

#[derive(Debug, Serialize, Deserialize)]
struct Plain {
    a: u8,
    b: Option<Box<Plain>>,
    c: BTreeMap<String, Vec<(u8, f32)>>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Unit;

#[derive(Debug, Serialize, Deserialize)]
struct Newtype(u32);

#[derive(Debug, Serialize, Deserialize)]
struct Tuple(u8, String);

#[derive(Debug, Serialize, Deserialize)]
struct Generic<T, M> {
    value: T,
    marker: PhantomData<M>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename = "Other", rename_all = "camelCase", deny_unknown_fields)]
struct Renamed {
    first_name: String,
    r#type: u8,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all(serialize = "camelCase", deserialize = "kebab-case"))]
struct RenamedTwice {
    first_name: String,
    last_name: String,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct AllDefault {
    a: u8,
    b: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(default = "made")]
struct DefaultBy {
    a: u8,
    #[serde(skip)]
    b: u8,
}

fn made() -> DefaultBy {
    DefaultBy { a: 1, b: 2 }
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(transparent)]
struct Transparent {
    inner: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(from = "u32", into = "u32")]
struct FromInto(u32);

impl From<u32> for FromInto {
    fn from(n: u32) -> Self {
        Self(n)
    }
}

impl From<FromInto> for u32 {
    fn from(n: FromInto) -> Self {
        n.0
    }
}

/// Checks one primitive.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
struct Even(u32);

impl TryFrom<u32> for Even {
    type Error = String;

    fn try_from(n: u32) -> Result<Self, String> {
        if n.is_multiple_of(2) { Ok(Self(n)) } else { Err(format!("{n} is odd")) }
    }
}

impl From<Even> for u32 {
    fn from(n: Even) -> Self {
        n.0
    }
}

/// Takes no value that can be made up.
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

/// Checks two fields together, and takes no value that can be made up.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "(u32, u32)", into = "(u32, u32)")]
struct Ascending(u32, u32);

impl TryFrom<(u32, u32)> for Ascending {
    type Error = String;

    fn try_from((low, high): (u32, u32)) -> Result<Self, String> {
        if low < high { Ok(Self(low, high)) } else { Err(format!("{low} is not below {high}")) }
    }
}

impl From<Ascending> for (u32, u32) {
    fn from(pair: Ascending) -> Self {
        (pair.0, pair.1)
    }
}

/// A type of another crate that has no serde.
#[derive(Debug)]
struct Foreign {
    secs: u64,
    nanos: u32,
}

impl Foreign {
    fn secs(&self) -> u64 {
        self.secs
    }
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Foreign")]
struct ForeignDef {
    #[serde(getter = "Foreign::secs")]
    secs: u64,
    #[serde(getter = "nanos_of")]
    nanos: u32,
}

fn nanos_of(foreign: &Foreign) -> &u32 {
    &foreign.nanos
}

impl From<ForeignDef> for Foreign {
    fn from(ForeignDef { secs, nanos }: ForeignDef) -> Self {
        Self { secs, nanos }
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct Remote {
    before: u8,
    #[serde(with = "ForeignDef")]
    foreign: Foreign,
    after: u8,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(expecting = "a point", bound = "T: Serialize + serde::de::DeserializeOwned")]
struct Expecting<T> {
    x: T,
    y: T,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename = "tagged")]
struct TaggedStruct {
    a: u8,
}

/// Another form in texts than in bytes.
#[derive(Debug, PartialEq)]
struct TwoForms(u16);

impl Serialize for TwoForms {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        if to.is_human_readable() { to.collect_str(&self.0) } else { to.serialize_u16(self.0) }
    }
}

impl<'de> Deserialize<'de> for TwoForms {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        if from.is_human_readable() {
            String::deserialize(from)?.parse().map(Self).map_err(serde::de::Error::custom)
        } else {
            u16::deserialize(from).map(Self)
        }
    }
}

/// Reads whatever comes, and shows which it was.
#[derive(Debug)]
enum Any {
    Number(u64),
    Text(String),
}

impl Serialize for Any {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Number(number) => to.serialize_u64(*number),
            Self::Text(text) => to.serialize_str(text),
        }
    }
}

impl<'de> Deserialize<'de> for Any {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = Any;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number or a text")
            }

            fn visit_u64<E>(self, number: u64) -> Result<Any, E> {
                Ok(Any::Number(number))
            }

            fn visit_str<E>(self, text: &str) -> Result<Any, E> {
                Ok(Any::Text(text.to_owned()))
            }
        }
        from.deserialize_any(Visitor)
    }
}

cases! {
    named_struct: Plain = Bincode [Plain { a: 1, b: Some(Box::new(Plain { a: 2, b: None, c: BTreeMap::new() })), c: [("k".into(), vec![(1, -0.0)])].into() }];
    unit_struct: Unit = Bincode [Unit];
    newtype_struct: Newtype = Bincode [Newtype(1)];
    tuple_struct: Tuple = Bincode [Tuple(1, "x".into())];
    generic_struct: Generic<Tuple, Unit> = Bincode [Generic { value: Tuple(1, "x".into()), marker: PhantomData }];
    renamed_struct: Renamed = Bincode [Renamed { first_name: "a".into(), r#type: 1 }];
    renamed_twice: RenamedTwice = Bincode [RenamedTwice { first_name: "a".into(), last_name: "b".into() }];
    default_struct: AllDefault = Bincode [AllDefault { a: 0, b: String::new() }, AllDefault { a: 1, b: "x".into() }];
    default_by_function: DefaultBy = Bincode [DefaultBy { a: 5, b: 6 }] arrives [DefaultBy { a: 5, b: 2 }];
    transparent: Transparent = Bincode [Transparent { inner: "a".into() }];
    from_into: FromInto = Bincode [FromInto(1)];
    try_from: Even = Bincode [Even(0), Even(u32::MAX - 1)];
    try_from_text: Email = Cbor alone Bincode [Email("a@example.com".into())];
    try_from_pair: Ascending = Cbor [Ascending(1, 2)];
    remote: Remote = Bincode [Remote { before: 1, foreign: Foreign { secs: 2, nanos: 3 }, after: 4 }];
    expecting_and_bound: Expecting<u8> = Bincode [Expecting { x: 1, y: 2 }];
    tag_of_struct: TaggedStruct = Cbor [TaggedStruct { a: 1 }];
    is_human_readable: TwoForms = Bincode [TwoForms(1)];
    deserialize_any: Any = CborText [Any::Number(1), Any::Text("1".into())];
}
