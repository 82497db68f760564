//! A deserializer that stays within a budget, around the serializer's own.
//!
//! What is counted is what *the message* decides: a `Some`, a sequence, a map and a variant are
//! one level each, the elements of sequences and maps are the elements, and memory is what these
//! take. Structs, tuples and arrays are as deep and as long as their type says, so they cost
//! nothing here, and every type that can have a value has a level wherever it contains itself.

use std::marker::PhantomData;

use serde::de::{DeserializeSeed, Deserializer, Visitor};

use super::budget::{Budget, Place};
use super::watched::{OwnedBytes, OwnedStr, Watched};

/// A deserializer of one value, around one that reads from `'de`.
///
/// What it hands out is never borrowed from there: it is a `Deserializer<'static>`. So what asks
/// for borrowed data gets an error, and no type has to promise for every lifetime that it owns
/// what it has.
pub(super) struct Guarded<'b, 'de, D> {
    inner: D,
    place: Place,
    budget: &'b mut Budget,
    source: PhantomData<&'de ()>,
}

impl<'b, 'de, D: Deserializer<'de>> Guarded<'b, 'de, D> {
    #[inline]
    pub(super) fn new(inner: D, place: Place, budget: &'b mut Budget) -> Self {
        Self { inner, place, budget, source: PhantomData }
    }
}

/// A seed whose deserializer becomes a guarded one.
pub(super) struct GuardedSeed<'b, S> {
    seed: S,
    place: Place,
    budget: &'b mut Budget,
}

impl<'b, S> GuardedSeed<'b, S> {
    #[inline]
    pub(super) fn new(seed: S, place: Place, budget: &'b mut Budget) -> Self {
        Self { seed, place, budget }
    }
}

impl<'de, S: DeserializeSeed<'static>> DeserializeSeed<'de> for GuardedSeed<'_, S> {
    type Value = S::Value;

    #[inline]
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<S::Value, D::Error> {
        self.seed.deserialize(Guarded::new(deserializer, self.place, self.budget))
    }
}

/// Values that have as many parts as the message says (`true`), or as their type says (`false`),
/// which may be none.
macro_rules! watched {
    ($counted:literal: $($method:ident($($name:ident: $type:ty),*))*) => {
        $(
            #[inline]
            fn $method<V: Visitor<'static>>(self, $($name: $type,)* visitor: V) -> Result<V::Value, D::Error> {
                self.inner.$method($($name,)* Watched::<_, $counted>::new(visitor, self.place, self.budget))
            }
        )*
    };
}

impl<'de, D: Deserializer<'de>> Deserializer<'static> for Guarded<'_, 'de, D> {
    type Error = D::Error;

    watched! { true:
        deserialize_any() deserialize_ignored_any() deserialize_seq() deserialize_map()
        deserialize_str() deserialize_bytes()
    }

    watched! { false:
        deserialize_bool() deserialize_char() deserialize_unit() deserialize_identifier()
        deserialize_i8() deserialize_i16() deserialize_i32() deserialize_i64() deserialize_i128()
        deserialize_u8() deserialize_u16() deserialize_u32() deserialize_u64() deserialize_u128()
        deserialize_f32() deserialize_f64()
        deserialize_option()
        deserialize_unit_struct(name: &'static str)
        deserialize_newtype_struct(name: &'static str)
        deserialize_tuple(len: usize)
        deserialize_tuple_struct(name: &'static str, len: usize)
        deserialize_struct(name: &'static str, fields: &'static [&'static str])
        deserialize_enum(name: &'static str, variants: &'static [&'static str])
    }

    // Texts and bytes are borrowed first: a serializer that has them owned may make room for as
    // many
    // as are announced, before it looks whether they are there.
    #[inline]
    fn deserialize_string<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.deserialize_str(OwnedStr(visitor))
    }

    #[inline]
    fn deserialize_byte_buf<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.deserialize_bytes(OwnedBytes(visitor))
    }

    #[inline]
    fn is_human_readable(&self) -> bool {
        self.inner.is_human_readable()
    }
}
