//! serde to bytes, in one of the formats.
//!
//! bincode is the usual one, so it is asked for first everywhere, and what the others do stands
//! apart.

mod parts;

use bincode::enc::Encode;
use minicbor::Encoder;
use minicbor::data::Tag;
use serde::Serialize;
use serde::ser;

pub(crate) use self::parts::Parts;
use self::parts::UNCOUNTED;
use super::bincode::{Output, plain};
use super::fault::{Unwritable, WriteFault};
use super::format::{Format, Mark, Primitive, SOME, written};
use super::tuples::TupleLengths;

/// A serializer that appends to a buffer. One that does not switch writes bincode alone: for this
/// library's own types.
pub(crate) struct Writer<'l, const SWITCHES: bool = true> {
    output: Output,
    format: Format,
    /// The lengths that tuples have to have, if they are known.
    known: Option<&'l TupleLengths>,
    /// Where they are noted instead.
    learned: Option<&'l mut TupleLengths>,
}

impl<'l, const SWITCHES: bool> Writer<'l, SWITCHES> {
    #[inline]
    pub(super) fn new(buffer: Vec<u8>, format: Format, known: Option<&'l TupleLengths>) -> Self {
        Self { output: Output::new(buffer), format, known, learned: None }
    }

    /// One that notes how many unnamed fields there are.
    pub(super) fn learning(format: Format, learned: &'l mut TupleLengths) -> Self {
        Self { learned: Some(learned), ..Self::new(Vec::new(), format, None) }
    }

    #[inline]
    fn see_tuple(
        &mut self,
        name: &'static str,
        variant: Option<&'static str>,
        length: usize,
    ) -> Result<(), Unwritable> {
        if let Some(known) = self.known {
            known.check(name, variant, length)?;
        }
        if let Some(learned) = &mut self.learned {
            learned.learn(name, variant, length);
        }
        Ok(())
    }

    #[inline]
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.output.into_bytes()
    }

    #[inline(always)]
    fn is_bincode(&self) -> bool {
        !SWITCHES || self.format == Format::Bincode
    }

    #[inline]
    fn put(&mut self, value: impl Encode) -> Result<(), Unwritable> {
        Ok(self.output.put(value)?)
    }

    #[inline(always)]
    fn primitive(&mut self, value: impl Primitive) -> Result<(), Unwritable> {
        if self.is_bincode() { self.put(value) } else { self.other_primitive(value) }
    }

    #[cold]
    #[inline(never)]
    fn other_primitive<T: Primitive>(&mut self, value: T) -> Result<(), Unwritable> {
        if self.format.is_named() {
            value.put_cbor(self.output.bytes());
            return Ok(());
        }
        self.mark(T::MARK);
        self.put(value)
    }

    /// Appends CBOR.
    fn cbor(&mut self, write: impl FnOnce(&mut Encoder<&mut Vec<u8>>) -> CborResult) {
        written(write(&mut Encoder::new(self.output.bytes())));
    }

    fn mark(&mut self, mark: Mark) {
        self.output.bytes().push(mark as u8);
    }

    /// Something without a value: no byte in bincode.
    #[cold]
    #[inline(never)]
    fn other_nothing(&mut self, mark: Mark) {
        if self.format.is_named() { self.cbor(|out| out.null().map(drop)) } else { self.mark(mark) }
    }

    #[cold]
    #[inline(never)]
    fn other_bytes(&mut self, bytes: &[u8]) -> Result<(), Unwritable> {
        if self.format.is_named() {
            self.cbor(|out| out.bytes(bytes).map(drop));
            return Ok(());
        }
        self.mark(Mark::Text);
        self.put(bytes)
    }

    #[cold]
    #[inline(never)]
    fn other_text(&mut self, text: &str) -> Result<(), Unwritable> {
        if self.format.is_named() {
            self.cbor(|out| out.str(text).map(drop));
            return Ok(());
        }
        self.mark(Mark::Text);
        self.put(text)
    }

    #[inline]
    fn put_length(&mut self, length: Option<usize>) -> Result<(), Unwritable> {
        self.put(length.ok_or(WriteFault::NoLength)?)
    }

    /// A sequence or a map begins.
    #[inline]
    fn begin(&mut self, mark: Mark, length: Option<usize>) -> Result<Parts<'_, 'l, SWITCHES>, Unwritable> {
        if self.is_bincode() {
            self.put_length(length)?;
            return Ok(Parts { writer: self, left: UNCOUNTED });
        }
        self.other_begin(mark, length)
    }

    #[cold]
    #[inline(never)]
    fn other_begin(
        &mut self,
        mark: Mark,
        length: Option<usize>,
    ) -> Result<Parts<'_, 'l, SWITCHES>, Unwritable> {
        if !self.format.is_named() {
            self.mark(mark);
            self.put_length(length)?;
            return Ok(Parts { writer: self, left: UNCOUNTED });
        }
        let is_map = mark == Mark::Map;
        self.cbor(|out| {
            match (length, is_map) {
                (Some(length), false) => out.array(length as u64),
                (Some(length), true) => out.map(length as u64),
                (None, false) => out.begin_array(),
                (None, true) => out.begin_map(),
            }
            .map(drop)
        });
        Ok(Parts { writer: self, left: length.unwrap_or(UNCOUNTED) })
    }

    /// A struct or a tuple begins, of which the reader knows how many parts it has.
    #[inline(always)]
    fn begin_fixed(&mut self, length: usize, is_struct: bool) -> Parts<'_, 'l, SWITCHES> {
        if self.is_bincode() {
            return Parts { writer: self, left: UNCOUNTED };
        }
        self.other_begin_fixed(length, is_struct)
    }

    #[cold]
    #[inline(never)]
    fn other_begin_fixed(&mut self, length: usize, is_struct: bool) -> Parts<'_, 'l, SWITCHES> {
        if self.format.is_named() {
            let length = length as u64;
            self.cbor(|out| if is_struct { out.map(length) } else { out.array(length) }.map(drop));
        } else {
            self.mark(Mark::Fixed);
        }
        Parts { writer: self, left: length }
    }

    /// A variant begins: its number, or its name and then its value.
    #[inline]
    fn variant(&mut self, index: u32, name: &'static str, has_value: bool) -> Result<(), Unwritable> {
        if self.is_bincode() { self.put(index) } else { self.other_variant(index, name, has_value) }
    }

    #[cold]
    #[inline(never)]
    fn other_variant(&mut self, index: u32, name: &'static str, has_value: bool) -> Result<(), Unwritable> {
        if self.format.is_named() {
            self.cbor(|out| if has_value { out.map(1)?.str(name) } else { out.str(name) }.map(drop));
            return Ok(());
        }
        self.mark(Mark::Variant);
        self.put(index)
    }

    /// Where the value in a `Some` begins.
    #[inline]
    fn begin_some(&mut self) -> Result<usize, Unwritable> {
        if self.is_bincode() {
            return self.put(1u8).map(|()| 0);
        }
        if !self.format.is_named() {
            self.mark(Mark::Some);
        }
        Ok(self.output.bytes().len())
    }

    /// In CBOR a value is its own `Some`, unless it would be taken for a `None` or for another
    /// `Some`.
    #[cold]
    #[inline(never)]
    fn other_end_some(&mut self, start: usize) {
        const NULL: u8 = 0xf6;
        if !self.format.is_named() {
            return;
        }
        let mut tag = Vec::with_capacity(5);
        written(Encoder::new(&mut tag).tag(Tag::new(SOME)).map(drop));
        let bytes = self.output.bytes();
        let inner = &bytes[start..];
        if inner.first() == Some(&NULL) || inner.starts_with(&tag) {
            bytes.splice(start..start, tag);
        }
    }
}

type CborResult = Result<(), minicbor::encode::Error<std::convert::Infallible>>;

macro_rules! primitives {
    ($($method:ident: $type:ty)*) => {
        $(
            #[inline]
            fn $method(self, value: $type) -> Result<(), Unwritable> {
                self.primitive(value)
            }
        )*
    };
}

impl<'w, 'l, const SWITCHES: bool> ser::Serializer for &'w mut Writer<'l, SWITCHES> {
    type Ok = ();
    type Error = Unwritable;
    type SerializeSeq = Parts<'w, 'l, SWITCHES>;
    type SerializeTuple = Parts<'w, 'l, SWITCHES>;
    type SerializeTupleStruct = Parts<'w, 'l, SWITCHES>;
    type SerializeTupleVariant = Parts<'w, 'l, SWITCHES>;
    type SerializeMap = Parts<'w, 'l, SWITCHES>;
    type SerializeStruct = Parts<'w, 'l, SWITCHES>;
    type SerializeStructVariant = Parts<'w, 'l, SWITCHES>;

    primitives! {
        serialize_bool: bool serialize_char: char
        serialize_i8: i8 serialize_i16: i16 serialize_i32: i32 serialize_i64: i64 serialize_i128: i128
        serialize_u8: u8 serialize_u16: u16 serialize_u32: u32 serialize_u64: u64 serialize_u128: u128
        serialize_f32: f32 serialize_f64: f64
    }

    #[inline]
    fn serialize_str(self, text: &str) -> Result<(), Unwritable> {
        if self.is_bincode() { self.put(text) } else { self.other_text(text) }
    }

    #[inline]
    fn serialize_bytes(self, bytes: &[u8]) -> Result<(), Unwritable> {
        if self.is_bincode() { self.put(bytes) } else { self.other_bytes(bytes) }
    }

    #[inline]
    fn serialize_none(self) -> Result<(), Unwritable> {
        if self.is_bincode() {
            return self.put(0u8);
        }
        self.other_nothing(Mark::None);
        Ok(())
    }

    #[inline]
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Unwritable> {
        let start = self.begin_some()?;
        value.serialize(&mut *self)?;
        if !self.is_bincode() {
            self.other_end_some(start);
        }
        Ok(())
    }

    #[inline]
    fn serialize_unit(self) -> Result<(), Unwritable> {
        if !self.is_bincode() {
            self.other_nothing(Mark::Unit);
        }
        Ok(())
    }

    #[inline]
    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Unwritable> {
        self.serialize_unit()
    }

    #[inline]
    fn serialize_unit_variant(
        self,
        _: &'static str,
        index: u32,
        variant: &'static str,
    ) -> Result<(), Unwritable> {
        self.variant(index, variant, false)
    }

    #[inline]
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Unwritable> {
        value.serialize(self)
    }

    #[inline]
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Unwritable> {
        self.variant(index, variant, true)?;
        value.serialize(self)
    }

    #[inline]
    fn serialize_seq(self, length: Option<usize>) -> Result<Parts<'w, 'l, SWITCHES>, Unwritable> {
        self.begin(Mark::Sequence, length)
    }

    #[inline]
    fn serialize_tuple(self, length: usize) -> Result<Parts<'w, 'l, SWITCHES>, Unwritable> {
        Ok(self.begin_fixed(length, false))
    }

    #[inline]
    fn serialize_tuple_struct(
        self,
        name: &'static str,
        length: usize,
    ) -> Result<Parts<'w, 'l, SWITCHES>, Unwritable> {
        self.see_tuple(name, None, length)?;
        Ok(self.begin_fixed(length, false))
    }

    #[inline]
    fn serialize_tuple_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        length: usize,
    ) -> Result<Parts<'w, 'l, SWITCHES>, Unwritable> {
        self.see_tuple(name, Some(variant), length)?;
        self.variant(index, variant, true)?;
        Ok(self.begin_fixed(length, false))
    }

    #[inline]
    fn serialize_map(self, length: Option<usize>) -> Result<Parts<'w, 'l, SWITCHES>, Unwritable> {
        self.begin(Mark::Map, length)
    }

    #[inline]
    fn serialize_struct(self, _: &'static str, length: usize) -> Result<Parts<'w, 'l, SWITCHES>, Unwritable> {
        Ok(self.begin_fixed(length, true))
    }

    #[inline]
    fn serialize_struct_variant(
        self,
        _: &'static str,
        index: u32,
        variant: &'static str,
        length: usize,
    ) -> Result<Parts<'w, 'l, SWITCHES>, Unwritable> {
        self.variant(index, variant, true)?;
        Ok(self.begin_fixed(length, true))
    }

    /// What serde's sequences call, with all their elements.
    #[inline]
    fn collect_seq<I>(self, elements: I) -> Result<(), Unwritable>
    where
        I: IntoIterator,
        I::Item: Serialize,
    {
        let mut elements = elements.into_iter();
        let length = match elements.size_hint() {
            (least, most) if Some(least) == most => most,
            _ => None,
        };
        if let (true, Some(count), Some(width)) = (self.is_bincode(), length, plain::width::<I::Item>()) {
            self.put(count)?;
            let out = self.output.bytes();
            let appended = match width {
                1 => plain::append::<1, _>(out, count, elements),
                4 => plain::append::<4, _>(out, count, elements),
                _ => plain::append::<8, _>(out, count, elements),
            };
            return appended.map_err(ser::Error::custom);
        }
        let mut parts = self.begin(Mark::Sequence, length)?;
        elements.try_for_each(|element| parts.part(&element))?;
        parts.finish()
    }

    #[inline]
    fn is_human_readable(&self) -> bool {
        self.format == Format::CborText
    }
}
