//! What has parts: sequences, maps and variants.

use serde::de::{self, DeserializeSeed, Visitor};

use super::Reader;
use crate::codec::fault::Unreadable;

/// The elements of a sequence, a tuple or a struct.
pub(super) struct Elements<'r, 'de> {
    reader: &'r mut Reader<'de>,
    /// How many come; `None` if the end is marked.
    left: Option<usize>,
}

impl<'r, 'de> Elements<'r, 'de> {
    #[inline]
    pub(super) fn new(reader: &'r mut Reader<'de>, left: Option<usize>) -> Self {
        Self { reader, left }
    }
}

impl<'de> de::SeqAccess<'de> for Elements<'_, 'de> {
    type Error = Unreadable;

    #[inline]
    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Unreadable> {
        if self.reader.is_bincode() {
            return match self.left {
                Some(left @ 1..) => {
                    self.left = Some(left - 1);
                    seed.deserialize(&mut *self.reader).map(Some)
                }
                _ => Ok(None),
            };
        }
        if !self.reader.other_next(&mut self.left)? {
            return Ok(None);
        }
        let element = seed.deserialize(&mut *self.reader);
        self.reader.left = self.left;
        element.map(Some)
    }

    #[inline]
    fn size_hint(&self) -> Option<usize> {
        self.left
    }
}

/// The entries of a map, or the fields of a struct by their names.
pub(super) struct Entries<'r, 'de> {
    reader: &'r mut Reader<'de>,
    left: Option<usize>,
    /// The key that was read last, if it is a text.
    key: Option<&'de str>,
    /// What the fields belong to, where these are fields.
    owner: Option<&'de str>,
}

impl<'r, 'de> Entries<'r, 'de> {
    #[inline]
    pub(super) fn new(reader: &'r mut Reader<'de>, left: Option<usize>, owner: Option<&'de str>) -> Self {
        Self { reader, left, key: None, owner }
    }
}

impl<'de> de::MapAccess<'de> for Entries<'_, 'de> {
    type Error = Unreadable;

    #[inline]
    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Unreadable> {
        if self.reader.is_bincode() {
            return match self.left {
                Some(left @ 1..) => {
                    self.left = Some(left - 1);
                    seed.deserialize(&mut *self.reader).map(Some)
                }
                _ => Ok(None),
            };
        }
        loop {
            if !self.reader.other_next(&mut self.left)? {
                return Ok(None);
            }
            self.key = self.reader.peeked_text();
            if !self.reader.is_absent(self.owner, self.key) {
                break;
            }
            self.reader.skip()?;
            self.reader.skip()?;
            self.reader.left = self.left;
        }
        let key = seed.deserialize(&mut *self.reader)?;
        self.reader.left = self.left;
        Ok(Some(key))
    }

    #[inline]
    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Unreadable> {
        if self.reader.is_bincode() {
            return seed.deserialize(&mut *self.reader);
        }
        let value = seed.deserialize(&mut *self.reader);
        self.reader.left = self.left;
        value.map_err(|error| match self.key {
            Some(key) => error.inside(key),
            None => error,
        })
    }

    #[inline]
    fn size_hint(&self) -> Option<usize> {
        self.left
    }
}

impl<'de> de::EnumAccess<'de> for &mut Reader<'de> {
    type Error = Unreadable;
    type Variant = Self;

    #[inline]
    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self), Unreadable> {
        let variant = if self.is_bincode() { Name::Number(self.input.get()?) } else { self.other_variant()? };
        Ok((seed.deserialize(variant)?, self))
    }
}

impl<'de> de::VariantAccess<'de> for &mut Reader<'de> {
    type Error = Unreadable;

    #[inline]
    fn unit_variant(self) -> Result<(), Unreadable> {
        self.expect_value(false)
    }

    #[inline]
    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Unreadable> {
        self.expect_value(true)?;
        seed.deserialize(self)
    }

    #[inline]
    fn tuple_variant<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Unreadable> {
        self.expect_value(true)?;
        self.fixed(length, visitor)
    }

    #[inline]
    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unreadable> {
        self.expect_value(true)?;
        self.fields(self.variant, fields, visitor)
    }
}

/// Which variant comes: bincode has its number, CBOR its name.
pub(super) enum Name<'de> {
    Number(u32),
    Text(&'de str),
}

impl<'de> de::Deserializer<'de> for Name<'de> {
    type Error = Unreadable;

    #[inline]
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        match self {
            Self::Number(number) => visitor.visit_u32(number),
            Self::Text(text) => visitor.visit_borrowed_str(text),
        }
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}
