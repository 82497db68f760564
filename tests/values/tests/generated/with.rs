//! Forms of values as users write them, for `#[serde(with = "..")]`.

#![allow(dead_code, reason = "the seed of the types decides which of these they use")]

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A number as a text.
pub(crate) mod as_text {
    use std::fmt::Display;
    use std::str::FromStr;

    use super::*;

    pub(crate) fn serialize<T: Display, S: Serializer>(value: &T, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(value)
    }

    pub(crate) fn deserialize<'de, T: FromStr, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
        String::deserialize(from)?.parse().map_err(|_| D::Error::custom("not a number"))
    }
}

/// A small number as it is, a large one as a text: which it is can be seen only in the value.
pub(crate) mod number_or_text {
    use super::*;

    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either {
        Number(u64),
        Text(String),
    }

    pub(crate) fn serialize<S: Serializer>(value: &u64, to: S) -> Result<S::Ok, S::Error> {
        if *value < 1000 { to.serialize_u64(*value) } else { to.collect_str(value) }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
        match Either::deserialize(from)? {
            Either::Number(number) => Ok(number),
            Either::Text(text) => text.parse().map_err(D::Error::custom),
        }
    }
}

/// The same kind of value, and another one.
pub(crate) mod plus_one {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(value: &u8, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u8(value.wrapping_add(1))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<u8, D::Error> {
        Ok(u8::deserialize(from)?.wrapping_sub(1))
    }
}

/// A number as an array of bytes.
pub(crate) mod fixed_width {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(value: &u32, to: S) -> Result<S::Ok, S::Error> {
        value.to_be_bytes().serialize(to)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<u32, D::Error> {
        <[u8; 4]>::deserialize(from).map(u32::from_be_bytes)
    }
}

/// Bytes in their other order.
pub(crate) mod reversed {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(value: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(value.iter().rev())
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        let mut bytes = Vec::<u8>::deserialize(from)?;
        bytes.reverse();
        Ok(bytes)
    }
}

/// Bytes as a text where people read it, else as they are.
pub(crate) mod hex {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(value: &[u8], to: S) -> Result<S::Ok, S::Error> {
        if !to.is_human_readable() {
            return to.serialize_bytes(value);
        }
        to.serialize_str(&value.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        if !from.is_human_readable() {
            return Vec::<u8>::deserialize(from);
        }
        let text = String::deserialize(from)?;
        let byte = |at| text.get(at..at + 2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        let bytes = (0..text.len()).step_by(2).map(byte).collect::<Option<_>>();
        bytes.ok_or_else(|| D::Error::custom("not pairs of digits"))
    }
}

/// One number alone, and others as a list.
pub(crate) mod one_or_many {
    use super::*;

    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either {
        One(u32),
        Many(Vec<u32>),
    }

    pub(crate) fn serialize<S: Serializer>(value: &[u32], to: S) -> Result<S::Ok, S::Error> {
        match value {
            [one] => one.serialize(to),
            many => many.serialize(to),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u32>, D::Error> {
        Ok(match Either::deserialize(from)? {
            Either::One(one) => vec![one],
            Either::Many(many) => many,
        })
    }
}

/// A map as a list of its entries.
pub(crate) mod as_pairs {
    use std::collections::BTreeMap;

    use super::*;

    pub(crate) fn serialize<K: Serialize, V: Serialize, S: Serializer>(
        value: &BTreeMap<K, V>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        to.collect_seq(value)
    }

    pub(crate) fn deserialize<'de, K, V, D>(from: D) -> Result<BTreeMap<K, V>, D::Error>
    where
        K: Deserialize<'de> + Ord,
        V: Deserialize<'de>,
        D: Deserializer<'de>,
    {
        Ok(Vec::<(K, V)>::deserialize(from)?.into_iter().collect())
    }
}

/// Absent, null and a value told apart: with `default` and `skip_serializing_if =
/// "Option::is_none"`.
#[allow(clippy::ref_option, reason = "serde gives a reference to the field")]
pub(crate) mod double_option {
    use super::*;

    pub(crate) fn serialize<T: Serialize, S: Serializer>(
        value: &Option<Option<T>>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        match value {
            None => to.serialize_unit(),
            Some(inner) => inner.serialize(to),
        }
    }

    pub(crate) fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<Option<T>>, D::Error> {
        Option::<T>::deserialize(from).map(Some)
    }
}
