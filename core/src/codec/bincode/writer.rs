//! serde to bincode.

use bincode::config::Configuration;
use bincode::enc::{Encode, Encoder, EncoderImpl, write};
use bincode::error::EncodeError;
use serde::Serialize;
use serde::ser;

use super::{CONFIGURATION, plain};

/// A serializer that appends to a buffer.
pub(super) struct Writer(EncoderImpl<Buffer, Configuration>);

struct Buffer(Vec<u8>);

impl write::Writer for Buffer {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> Result<(), EncodeError> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }
}

impl Writer {
    #[inline]
    pub(super) fn new(buffer: Vec<u8>) -> Self {
        Self(EncoderImpl::new(Buffer(buffer), CONFIGURATION))
    }

    #[inline]
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.0.into_writer().0
    }

    #[inline]
    fn put(&mut self, value: impl Encode) -> Result<(), EncodeError> {
        value.encode(&mut self.0)
    }

    #[inline]
    fn put_length(&mut self, length: Option<usize>) -> Result<&mut Self, EncodeError> {
        let length = length.ok_or(EncodeError::Serde(bincode::serde::EncodeError::SequenceMustHaveLength))?;
        self.put(length)?;
        Ok(self)
    }
}

macro_rules! primitives {
    ($($method:ident: $type:ty)*) => {
        $(
            #[inline]
            fn $method(self, value: $type) -> Result<(), EncodeError> {
                self.put(value)
            }
        )*
    };
}

impl ser::Serializer for &mut Writer {
    type Ok = ();
    type Error = EncodeError;
    type SerializeSeq = Self;
    type SerializeTuple = Self;
    type SerializeTupleStruct = Self;
    type SerializeTupleVariant = Self;
    type SerializeMap = Self;
    type SerializeStruct = Self;
    type SerializeStructVariant = Self;

    primitives! {
        serialize_bool: bool serialize_char: char
        serialize_i8: i8 serialize_i16: i16 serialize_i32: i32 serialize_i64: i64 serialize_i128: i128
        serialize_u8: u8 serialize_u16: u16 serialize_u32: u32 serialize_u64: u64 serialize_u128: u128
        serialize_f32: f32 serialize_f64: f64 serialize_str: &str serialize_bytes: &[u8]
    }

    #[inline]
    fn serialize_none(self) -> Result<(), EncodeError> {
        self.put(0u8)
    }

    #[inline]
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), EncodeError> {
        self.put(1u8)?;
        value.serialize(self)
    }

    #[inline]
    fn serialize_unit(self) -> Result<(), EncodeError> {
        Ok(())
    }

    #[inline]
    fn serialize_unit_struct(self, _: &'static str) -> Result<(), EncodeError> {
        Ok(())
    }

    #[inline]
    fn serialize_unit_variant(self, _: &'static str, index: u32, _: &'static str) -> Result<(), EncodeError> {
        self.put(index)
    }

    #[inline]
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), EncodeError> {
        value.serialize(self)
    }

    #[inline]
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        index: u32,
        _: &'static str,
        value: &T,
    ) -> Result<(), EncodeError> {
        self.put(index)?;
        value.serialize(self)
    }

    #[inline]
    fn serialize_seq(self, length: Option<usize>) -> Result<Self, EncodeError> {
        self.put_length(length)
    }

    #[inline]
    fn serialize_tuple(self, _: usize) -> Result<Self, EncodeError> {
        Ok(self)
    }

    #[inline]
    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Self, EncodeError> {
        Ok(self)
    }

    #[inline]
    fn serialize_tuple_variant(
        self,
        _: &'static str,
        index: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self, EncodeError> {
        self.put(index)?;
        Ok(self)
    }

    #[inline]
    fn serialize_map(self, length: Option<usize>) -> Result<Self, EncodeError> {
        self.put_length(length)
    }

    #[inline]
    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self, EncodeError> {
        Ok(self)
    }

    #[inline]
    fn serialize_struct_variant(
        self,
        _: &'static str,
        index: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self, EncodeError> {
        self.put(index)?;
        Ok(self)
    }

    /// What serde's sequences call, with all their elements.
    #[inline]
    fn collect_seq<I>(self, elements: I) -> Result<(), EncodeError>
    where
        I: IntoIterator,
        I::Item: Serialize,
    {
        let mut elements = elements.into_iter();
        let length = match elements.size_hint() {
            (least, most) if Some(least) == most => most,
            _ => None,
        };
        self.put_length(length)?;
        let out = &mut self.0.writer().0;
        let appended = match (plain::width::<I::Item>(), length) {
            (Some(1), Some(count)) => plain::append::<1, _>(out, count, elements),
            (Some(4), Some(count)) => plain::append::<4, _>(out, count, elements),
            (Some(8), Some(count)) => plain::append::<8, _>(out, count, elements),
            _ => return elements.try_for_each(|element| element.serialize(&mut *self)),
        };
        appended.map_err(ser::Error::custom)
    }

    #[inline]
    fn is_human_readable(&self) -> bool {
        false
    }
}

/// The parts of everything that has some: one after the other, with nothing between them.
macro_rules! parts {
    ($($trait:ident: $method:ident($($key:ty)?);)*) => {
        $(
            impl ser::$trait for &mut Writer {
                type Ok = ();
                type Error = EncodeError;

                #[inline]
                fn $method<T: Serialize + ?Sized>(&mut self, $(_: $key,)? value: &T) -> Result<(), EncodeError> {
                    value.serialize(&mut **self)
                }

                #[inline]
                fn end(self) -> Result<(), EncodeError> {
                    Ok(())
                }
            }
        )*
    };
}

parts! {
    SerializeSeq: serialize_element();
    SerializeTuple: serialize_element();
    SerializeTupleStruct: serialize_field();
    SerializeTupleVariant: serialize_field();
    SerializeStruct: serialize_field(&'static str);
    SerializeStructVariant: serialize_field(&'static str);
}

impl ser::SerializeMap for &mut Writer {
    type Ok = ();
    type Error = EncodeError;

    #[inline]
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), EncodeError> {
        key.serialize(&mut **self)
    }

    #[inline]
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
        value.serialize(&mut **self)
    }

    #[inline]
    fn end(self) -> Result<(), EncodeError> {
        Ok(())
    }
}
