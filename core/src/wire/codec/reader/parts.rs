//! What has parts: sequences, maps and variants.

use serde::de::{self, DeserializeSeed, Visitor};

use super::{Reader, UNTIL_BREAK};
use crate::wire::codec::fault::Unreadable;

/// The elements of a sequence, a tuple or a struct.
pub(super) struct Elements<'r, 'de, const SWITCHES: bool> {
    pub(super) reader: &'r mut Reader<'de, SWITCHES>,
    /// See [`Reader::next_comes`].
    pub(super) left: usize,
    /// How many were announced.
    pub(super) hint: usize,
}

impl<'de, const SWITCHES: bool> de::SeqAccess<'de> for Elements<'_, 'de, SWITCHES> {
    type Error = Unreadable;

    #[inline(always)]
    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Unreadable> {
        if self.reader.next_comes(&mut self.left)? {
            seed.deserialize(&mut *self.reader).map(Some)
        } else {
            Ok(None)
        }
    }

    #[inline]
    fn size_hint(&self) -> Option<usize> {
        hint(self.hint)
    }
}

#[inline]
fn hint(announced: usize) -> Option<usize> {
    (announced != UNTIL_BREAK).then_some(announced)
}

/// The entries of a map, or the fields of a struct by their names.
pub(super) struct Entries<'r, 'de, const SWITCHES: bool> {
    pub(super) reader: &'r mut Reader<'de, SWITCHES>,
    pub(super) left: usize,
    pub(super) hint: usize,
    /// The key that was read last, if it is a text.
    pub(super) key: Option<&'de str>,
    /// What the fields belong to, where these are fields.
    pub(super) owner: Option<&'de str>,
}

impl<const SWITCHES: bool> Entries<'_, '_, SWITCHES> {
    /// Remembers the key that comes, and leaves out what is to be taken for absent. Whether there
    /// is one.
    #[cold]
    #[inline(never)]
    fn other_key(&mut self) -> Result<bool, Unreadable> {
        loop {
            self.key = self.reader.peeked_text();
            if !self.reader.is_absent(self.owner, self.key) {
                return Ok(true);
            }
            self.reader.skip()?;
            self.reader.skip()?;
            if !self.reader.other_next(self.left)? {
                return Ok(false);
            }
        }
    }
}

impl<'de, const SWITCHES: bool> de::MapAccess<'de> for Entries<'_, 'de, SWITCHES> {
    type Error = Unreadable;

    #[inline]
    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Unreadable> {
        if !self.reader.next_comes(&mut self.left)? {
            return Ok(None);
        }
        if !self.reader.is_bincode() && !self.other_key()? {
            return Ok(None);
        }
        seed.deserialize(&mut *self.reader).map(Some)
    }

    #[inline]
    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Unreadable> {
        seed.deserialize(&mut *self.reader).map_err(|error| match self.key {
            Some(key) => error.inside(key),
            None => error,
        })
    }

    #[inline]
    fn size_hint(&self) -> Option<usize> {
        hint(self.hint)
    }
}

impl<'de, const SWITCHES: bool> de::EnumAccess<'de> for &mut Reader<'de, SWITCHES> {
    type Error = Unreadable;
    type Variant = Self;

    #[inline]
    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self), Unreadable> {
        let variant = if self.is_bincode() { Name::Number(self.input.get()?) } else { self.other_variant()? };
        Ok((seed.deserialize(variant)?, self))
    }
}

impl<'de, const SWITCHES: bool> de::VariantAccess<'de> for &mut Reader<'de, SWITCHES> {
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
        let variant = self.variant();
        self.fields(variant, fields, visitor)
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
