//! Enums in all four taggings, with each attribute of enums and their variants.

#![allow(clippy::unwrap_used, reason = "in a test, to panic is to fail")]

use serde::{Deserialize, Serialize};

#[macro_use]
mod cases;
mod support;

#[derive(Debug, Serialize, Deserialize)]
enum External {
    Unit,
    Newtype(u32),
    Tuple(u8, String),
    Struct { a: i64, b: Option<bool> },
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "kind")]
enum Internal {
    Unit,
    Newtype(Inner),
    Struct { a: i64, b: Option<bool> },
}

#[derive(Debug, Serialize, Deserialize)]
struct Inner {
    x: i32,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "kind", content = "of")]
enum Adjacent {
    Unit,
    Newtype(u32),
    Tuple(u8, String),
    Struct { a: i64 },
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum Untagged {
    Number(i64),
    Text(String),
    Pair(u8, bool),
    Struct { a: bool },
    Unit,
}

#[derive(Debug, Serialize, Deserialize)]
enum LastUntagged {
    Unit,
    Number(u8),
    #[serde(untagged)]
    Other(String),
}

#[derive(Debug, Serialize, Deserialize)]
enum SkippedVariant {
    First,
    #[serde(skip)]
    #[allow(dead_code, reason = "it never travels")]
    Local,
    Put(String),
    Delete(String),
}

#[derive(Debug, Serialize, Deserialize)]
enum UnreadVariant {
    First,
    #[serde(skip_deserializing)]
    #[allow(dead_code, reason = "it is not read")]
    Local,
    Put(String),
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "camelCase")]
enum RenamedAll {
    FirstOne,
    SecondOne {
        some_field: u8,
    },
    #[serde(rename = "3", alias = "three")]
    Third(u8),
}

/// `other` counts only where an unknown name is read.
#[derive(Debug, Serialize, Deserialize)]
enum WithOther {
    Known,
    #[serde(other)]
    Unknown,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "kind")]
enum TaggedWithOther {
    Known {
        a: u8,
    },
    #[serde(other)]
    Unknown,
}

#[derive(Debug, Serialize, Deserialize)]
enum VariantWith {
    #[serde(with = "as_text")]
    Number(u32),
    Plain(u32),
}

mod as_text {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(crate) fn serialize<S: Serializer>(number: &u32, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(number)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<u32, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}

#[derive(Debug, Serialize, Deserialize)]
enum SkipInVariant {
    Struct {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        coupon: Option<u8>,
        count: u8,
    },
    Other(u8),
}

#[derive(Debug, Serialize, Deserialize)]
enum Tree {
    Leaf(u8),
    Node(Vec<Tree>),
    Pair(Box<(Tree, Tree)>),
}

/// Serializes as its number, by hand.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
enum ByNumber {
    One = 1,
    Seven = 7,
}

impl TryFrom<u8> for ByNumber {
    type Error = String;

    fn try_from(number: u8) -> Result<Self, String> {
        match number {
            1 => Ok(Self::One),
            7 => Ok(Self::Seven),
            other => Err(format!("{other} is neither 1 nor 7")),
        }
    }
}

impl From<ByNumber> for u8 {
    fn from(value: ByNumber) -> Self {
        value as Self
    }
}

cases! {
    externally_tagged: External = Bincode [
        External::Unit, External::Newtype(1), External::Tuple(2, "x".into()), External::Struct { a: -1, b: None },
    ];
    internally_tagged: Internal = CborText [
        Internal::Unit, Internal::Newtype(Inner { x: -2 }), Internal::Struct { a: i64::MIN, b: Some(true) },
    ];
    adjacently_tagged: Adjacent = CborText [
        Adjacent::Unit, Adjacent::Newtype(1), Adjacent::Tuple(2, "x".into()), Adjacent::Struct { a: -1 },
    ];
    untagged: Untagged = CborText [
        Untagged::Number(-1), Untagged::Text("1".into()), Untagged::Pair(1, true), Untagged::Struct { a: true }, Untagged::Unit,
    ];
    untagged_variant: LastUntagged = CborText [LastUntagged::Unit, LastUntagged::Number(1), LastUntagged::Other("x".into())];
    skipped_variant: SkippedVariant = Cbor [
        SkippedVariant::First, SkippedVariant::Put("a".into()), SkippedVariant::Delete("b".into()),
    ];
    variant_with_skip_deserializing: UnreadVariant = Cbor [UnreadVariant::First, UnreadVariant::Put("a".into())];
    renamed_variants: RenamedAll = Bincode [RenamedAll::FirstOne, RenamedAll::SecondOne { some_field: 1 }, RenamedAll::Third(2)];
    other: WithOther = Bincode [WithOther::Known, WithOther::Unknown];
    other_in_tagged: TaggedWithOther = CborText [TaggedWithOther::Known { a: 1 }, TaggedWithOther::Unknown];
    variant_with: VariantWith = Bincode [VariantWith::Number(1), VariantWith::Plain(2)];
    skip_in_variant: SkipInVariant = Cbor [
        SkipInVariant::Struct { coupon: None, count: 1 }, SkipInVariant::Struct { coupon: Some(7), count: 2 }, SkipInVariant::Other(3),
    ];
    recursive: Tree = Bincode [
        Tree::Leaf(1), Tree::Node(vec![Tree::Leaf(2), Tree::Node(vec![])]), Tree::Pair(Box::new((Tree::Leaf(3), Tree::Leaf(4)))),
    ];
    enum_by_number: ByNumber = Bincode [ByNumber::One, ByNumber::Seven];
}
