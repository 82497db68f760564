//! Bytes to serde, in one of the formats.
//!
//! bincode is the usual one, so it is asked for first everywhere, and what the others do stands in
//! [`other`].

mod other;
mod parts;

use serde::de::{self, Visitor};

use self::parts::{Elements, Entries};
use super::bincode::{Input, plain};
use super::fault::Unreadable;
use super::format::{Format, Mark, Primitive};
use crate::util::bulk_copy::copied;

/// The number of parts where it is not said, and a mark stands behind the last one.
const UNTIL_BREAK: usize = usize::MAX;

/// A deserializer of what stands at the front of a slice. One that does not switch reads bincode
/// alone: for this library's own types, so that what only the other formats need of them is not
/// compiled.
pub(crate) struct Reader<'de, const SWITCHES: bool = true> {
    input: Input<'de>,
    /// What only other formats than bincode need.
    other: Option<Box<Other<'de>>>,
}

struct Other<'de> {
    format: Format,
    /// How many parts are still to be read of each of those that are being read, outermost first.
    left: Vec<usize>,
    /// In CBOR, whether a value stands behind the variant that was read last.
    has_value: bool,
    /// The variant that was read last in CBOR.
    variant: &'de str,
    /// A field that is to be read as if it were not there, to see whether it may be absent.
    absent: Option<Absent<'de>>,
}

/// Which field is taken for absent: the one with this number, counted from 0 as they are read.
struct Absent<'de> {
    number: usize,
    /// The struct or the variant that it belongs to, and its name; if there was one with this
    /// number.
    field: Option<(&'de str, &'de str)>,
}

impl<'de, const SWITCHES: bool> Reader<'de, SWITCHES> {
    #[inline]
    pub(super) fn new(bytes: &'de [u8], format: Format) -> Self {
        let other = if format == Format::Bincode { None } else { Some(Other::new(format)) };
        Self { input: Input::new(bytes), other }
    }

    /// Reads as if the field with this number were not there.
    pub(super) fn without(bytes: &'de [u8], format: Format, number: usize) -> Self {
        let mut reader = Self::new(bytes, format);
        if let Some(other) = &mut reader.other {
            other.absent = Some(Absent { number, field: None });
        }
        reader
    }

    /// The field that was taken for absent.
    pub(super) fn absent(&self) -> Option<(&'de str, &'de str)> {
        self.other.as_ref()?.absent.as_ref()?.field
    }

    #[inline]
    pub(super) fn left(&mut self) -> usize {
        self.input.rest().len()
    }

    #[inline(always)]
    fn is_bincode(&self) -> bool {
        !SWITCHES || self.other.is_none()
    }

    #[inline]
    fn is_named(&self) -> bool {
        SWITCHES && self.other.as_ref().is_some_and(|other| other.format.is_named())
    }

    /// Whether another part comes of those of which `left` are left; where that is counted
    /// elsewhere, `left` is the place.
    #[inline(always)]
    fn next_comes(&mut self, left: &mut usize) -> Result<bool, Unreadable> {
        if !self.is_bincode() {
            return self.other_next(*left);
        }
        match left.checked_sub(1) {
            Some(less) => {
                *left = less;
                Ok(true)
            }
            None => Ok(false),
        }
    }

    #[inline(always)]
    fn primitive<T: Primitive>(&mut self) -> Result<T, Unreadable> {
        if self.is_bincode() { Ok(self.input.get()?) } else { self.other_primitive() }
    }

    #[inline]
    fn take_counted(&mut self) -> Result<&'de [u8], Unreadable> {
        let length = self.input.length()?;
        Ok(self.input.take(length)?)
    }

    #[inline]
    fn text(&mut self) -> Result<&'de str, Unreadable> {
        if !self.is_bincode() {
            return self.other_text();
        }
        let bytes = self.take_counted()?;
        str::from_utf8(bytes).map_err(|inner| bincode::error::DecodeError::Utf8 { inner }.into())
    }

    #[inline]
    fn unit(&mut self) -> Result<(), Unreadable> {
        if self.is_bincode() { Ok(()) } else { self.other_unit() }
    }

    /// Whether an option has a value.
    #[inline]
    fn is_some(&mut self) -> Result<bool, Unreadable> {
        if self.is_bincode() { Ok(self.input.get::<Option<()>>()?.is_some()) } else { self.other_is_some() }
    }

    /// So many elements, or as many as come before the end.
    #[inline]
    fn elements<V: Visitor<'de>>(&mut self, left: usize, visitor: V) -> Result<V::Value, Unreadable> {
        let (is_bincode, hint) = (self.is_bincode(), left);
        let left = if is_bincode { left } else { self.other_begin(left) };
        let value = visitor.visit_seq(Elements { reader: self, left, hint })?;
        if !is_bincode {
            self.other_end(left)?;
        }
        Ok(value)
    }

    /// The same of entries, or of the fields of `owner`.
    #[inline]
    fn entries<V: Visitor<'de>>(
        &mut self,
        left: usize,
        owner: Option<&'de str>,
        visitor: V,
    ) -> Result<V::Value, Unreadable> {
        let (is_bincode, hint) = (self.is_bincode(), left);
        let left = if is_bincode { left } else { self.other_begin(left) };
        let value = visitor.visit_map(Entries { reader: self, left, hint, key: None, owner })?;
        if !is_bincode {
            self.other_end(left)?;
        }
        Ok(value)
    }

    /// As many elements as the type has.
    #[inline]
    fn fixed<V: Visitor<'de>>(&mut self, length: usize, visitor: V) -> Result<V::Value, Unreadable> {
        if !self.is_bincode() {
            self.other_fixed(length)?;
        }
        self.elements(length, visitor)
    }

    /// The fields of a struct.
    #[inline]
    fn fields<V: Visitor<'de>>(
        &mut self,
        owner: &'de str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unreadable> {
        if self.is_named() {
            return self.named_fields(owner, visitor);
        }
        self.fixed(fields.len(), visitor)
    }

    #[cold]
    #[inline(never)]
    fn named_fields<V: Visitor<'de>>(&mut self, owner: &'de str, visitor: V) -> Result<V::Value, Unreadable> {
        if self.is_array()? {
            let length = self.begin_array()?;
            return self.elements(length, visitor);
        }
        let length = self.begin_map()?;
        self.entries(length, Some(owner), visitor)
    }
}

macro_rules! primitives {
    ($($method:ident: $visit:ident)*) => {
        $(
            #[inline(always)]
            fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
                visitor.$visit(self.primitive()?)
            }
        )*
    };
}

impl<'de, const SWITCHES: bool> de::Deserializer<'de> for &mut Reader<'de, SWITCHES> {
    type Error = Unreadable;

    primitives! {
        deserialize_bool: visit_bool deserialize_char: visit_char
        deserialize_i8: visit_i8 deserialize_i16: visit_i16 deserialize_i32: visit_i32 deserialize_i64: visit_i64
        deserialize_i128: visit_i128
        deserialize_u8: visit_u8 deserialize_u16: visit_u16 deserialize_u32: visit_u32 deserialize_u64: visit_u64
        deserialize_u128: visit_u128
        deserialize_f32: visit_f32 deserialize_f64: visit_f64
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        if SWITCHES { self.whatever_comes(visitor) } else { Err(other::needs_names()) }
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        if SWITCHES { self.identifier(visitor) } else { Err(other::needs_names()) }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        self.skip()?;
        visitor.visit_unit()
    }

    #[inline]
    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        visitor.visit_borrowed_str(self.text()?)
    }

    #[inline]
    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        self.deserialize_str(visitor)
    }

    #[inline]
    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        if self.is_bincode() {
            return visitor.visit_borrowed_bytes(self.take_counted()?);
        }
        self.other_bytes(visitor)
    }

    #[inline]
    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        if self.is_bincode() {
            return visitor.visit_byte_buf(copied(self.take_counted()?));
        }
        self.other_bytes(visitor)
    }

    #[inline]
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        if self.is_some()? { visitor.visit_some(self) } else { visitor.visit_none() }
    }

    #[inline]
    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        self.unit()?;
        visitor.visit_unit()
    }

    #[inline]
    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Unreadable> {
        self.deserialize_unit(visitor)
    }

    #[inline]
    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Unreadable> {
        // serde_json's `RawValue` is written as a struct of this name, and read as a newtype that
        // is a
        // map.
        if self.is_named() && name == "$serde_json::private::RawValue" {
            return self.named_fields(name, visitor);
        }
        visitor.visit_newtype_struct(self)
    }

    #[inline]
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        if !self.is_bincode() {
            return self.other_sequence(visitor);
        }
        let length = self.input.length()?;
        let take = |width| match length.checked_mul(width) {
            Some(count) => Ok(self.input.take(count)?),
            None => Err(Unreadable::from(bincode::error::DecodeError::LimitExceeded)),
        };
        match plain::whole::<V, _>(take)? {
            Some(whole) => Ok(whole),
            None => self.elements(length, visitor),
        }
    }

    #[inline]
    fn deserialize_tuple<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Unreadable> {
        self.fixed(length, visitor)
    }

    #[inline]
    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, Unreadable> {
        self.fixed(length, visitor)
    }

    #[inline]
    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        let left = if self.is_bincode() { self.input.length()? } else { self.other_length(Mark::Map)? };
        self.entries(left, None, visitor)
    }

    #[inline]
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unreadable> {
        self.fields(name, fields, visitor)
    }

    #[inline]
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unreadable> {
        visitor.visit_enum(self)
    }

    #[inline]
    fn is_human_readable(&self) -> bool {
        self.other.as_ref().is_some_and(|other| other.format == Format::CborText)
    }
}
