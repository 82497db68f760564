//! Reading what is not bincode: CBOR, and bincode with marks.

use minicbor::Decoder;
use minicbor::data::Type;
use serde::de::Visitor;

use super::parts::Name;
use super::{Other, Reader, UNTIL_BREAK};
use crate::wire::codec::fault::Unreadable;
use crate::wire::codec::format::{Format, Mark, Primitive, SOME};

/// The tags of integers that are larger than 64 bits.
const BIG: [u64; 2] = [2, 3];

impl Other<'_> {
    #[cold]
    #[inline(never)]
    pub(super) fn new(format: Format) -> Box<Self> {
        Box::new(Self { format, left: Vec::new(), has_value: false, variant: "", absent: None })
    }
}

impl<'de, const SWITCHES: bool> Reader<'de, SWITCHES> {
    /// Reads CBOR.
    fn cbor<T>(
        &mut self,
        read: impl FnOnce(&mut Decoder<'de>) -> Result<T, minicbor::decode::Error>,
    ) -> Result<T, Unreadable> {
        let rest = self.input.rest();
        let mut decoder = Decoder::new(rest);
        let value = read(&mut decoder)?;
        *rest = rest.get(decoder.position()..).unwrap_or_default();
        Ok(value)
    }

    /// What comes next in CBOR.
    fn kind(&mut self) -> Result<Type, Unreadable> {
        Ok(Decoder::new(self.input.rest()).datatype()?)
    }

    fn mark(&mut self, expected: Mark) -> Result<(), Unreadable> {
        match self.input.take(1)? {
            [mark] if *mark == expected as u8 => Ok(()),
            [_] => Err(Unreadable::text("it is written as one kind of value and read as another")),
            _ => Err(Unreadable::text("nothing is left")),
        }
    }

    fn next_mark_is(&mut self, mark: Mark) -> bool {
        self.input.rest().first() == Some(&(mark as u8))
    }

    #[cold]
    #[inline(never)]
    pub(super) fn other_primitive<T: Primitive>(&mut self) -> Result<T, Unreadable> {
        if self.is_named() {
            return self.cbor(T::get_cbor);
        }
        self.mark(T::MARK)?;
        Ok(self.input.get()?)
    }

    #[cold]
    #[inline(never)]
    pub(super) fn other_text(&mut self) -> Result<&'de str, Unreadable> {
        if self.is_named() {
            return self.cbor(Decoder::str);
        }
        self.mark(Mark::Text)?;
        str::from_utf8(self.take_counted()?).map_err(Unreadable::text)
    }

    #[cold]
    #[inline(never)]
    pub(super) fn other_unit(&mut self) -> Result<(), Unreadable> {
        if self.is_named() { self.cbor(Decoder::null) } else { self.mark(Mark::Unit) }
    }

    #[cold]
    #[inline(never)]
    pub(super) fn other_is_some(&mut self) -> Result<bool, Unreadable> {
        if !self.is_named() {
            let is_some = self.next_mark_is(Mark::Some);
            self.mark(if is_some { Mark::Some } else { Mark::None })?;
            return Ok(is_some);
        }
        match self.kind()? {
            Type::Null | Type::Undefined => self.skip().map(|()| false),
            _ => self.skip_some().map(|_| true),
        }
    }

    /// Leaves out the tag of a `Some`, if it stands here.
    fn skip_some(&mut self) -> Result<bool, Unreadable> {
        let mut decoder = Decoder::new(self.input.rest());
        let is_some = decoder.tag().is_ok_and(|tag| tag.as_u64() == SOME);
        if is_some {
            self.cbor(Decoder::tag)?;
        }
        Ok(is_some)
    }

    /// Leaves out one value.
    pub(super) fn skip(&mut self) -> Result<(), Unreadable> {
        if self.is_named() { self.cbor(Decoder::skip) } else { Err(needs_names()) }
    }

    pub(super) fn is_array(&mut self) -> Result<bool, Unreadable> {
        Ok(matches!(self.kind()?, Type::Array | Type::ArrayIndef))
    }

    pub(super) fn begin_array(&mut self) -> Result<usize, Unreadable> {
        let length = self.cbor(Decoder::array)?;
        length.map_or(Ok(UNTIL_BREAK), in_memory)
    }

    pub(super) fn begin_map(&mut self) -> Result<usize, Unreadable> {
        let length = self.cbor(Decoder::map)?;
        length.map_or(Ok(UNTIL_BREAK), in_memory)
    }

    /// How many parts a sequence or a map has.
    #[cold]
    #[inline(never)]
    pub(super) fn other_length(&mut self, mark: Mark) -> Result<usize, Unreadable> {
        match (self.is_named(), mark) {
            (true, Mark::Map) => self.begin_map(),
            (true, _) => self.begin_array(),
            (false, _) => {
                self.mark(mark)?;
                Ok(self.input.length()?)
            }
        }
    }

    /// A tuple, whose length is known, begins.
    #[cold]
    #[inline(never)]
    pub(super) fn other_fixed(&mut self, length: usize) -> Result<(), Unreadable> {
        if !self.is_named() {
            return self.mark(Mark::Fixed);
        }
        match self.begin_array()? {
            found if found == length => Ok(()),
            UNTIL_BREAK => Err(Unreadable::text("unnamed fields without a number before them")),
            found => Err(Unreadable::text(format_args!(
                "{found} unnamed fields or elements where there are {length}"
            ))),
        }
    }

    /// Begins a sequence, a tuple or a map with this number of parts. Returns the place where they
    /// are counted.
    #[cold]
    #[inline(never)]
    pub(super) fn other_begin(&mut self, count: usize) -> usize {
        let Some(other) = &mut self.other else { return 0 };
        other.left.push(count);
        other.left.len() - 1
    }

    /// Whether another part comes.
    #[cold]
    #[inline(never)]
    pub(super) fn other_next(&mut self, place: usize) -> Result<bool, Unreadable> {
        let is_break = self.is_named() && self.kind().is_ok_and(|kind| kind == Type::Break);
        let Some(left) = self.left_at(place) else { return Ok(false) };
        let comes = match *left {
            0 => false,
            UNTIL_BREAK if is_break => {
                *left = 0;
                self.input.take(1)?;
                false
            }
            UNTIL_BREAK => true,
            _ => {
                *left -= 1;
                true
            }
        };
        Ok(comes)
    }

    /// How many parts are left at a place. Those of what is inside it are over, even if the error
    /// that ended them was swallowed.
    fn left_at(&mut self, place: usize) -> Option<&mut usize> {
        let left = &mut self.other.as_mut()?.left;
        left.truncate(place + 1);
        left.last_mut()
    }

    /// Everything was read of what has parts.
    #[cold]
    #[inline(never)]
    pub(super) fn other_end(&mut self, place: usize) -> Result<(), Unreadable> {
        if !self.is_named() {
            return self.mark(Mark::End);
        }
        if self.other_next(place)? {
            return Err(Unreadable::text("it has more parts than its type reads"));
        }
        Ok(())
    }

    /// The variant that was read last.
    pub(super) fn variant(&self) -> &'de str {
        self.other.as_ref().map_or("", |other| other.variant)
    }

    #[cold]
    #[inline(never)]
    pub(super) fn other_bytes<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Unreadable> {
        if !self.is_named() {
            self.mark(Mark::Text)?;
            return visitor.visit_borrowed_bytes(self.take_counted()?);
        }
        match self.kind()? {
            // Written element by element.
            Type::Array | Type::ArrayIndef => {
                let length = self.begin_array()?;
                self.elements(length, visitor)
            }
            Type::String => visitor.visit_borrowed_bytes(self.cbor(Decoder::str)?.as_bytes()),
            _ => visitor.visit_borrowed_bytes(self.cbor(Decoder::bytes)?),
        }
    }

    #[cold]
    #[inline(never)]
    pub(super) fn other_sequence<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Unreadable> {
        // Written as a whole.
        if self.is_named() && self.kind()? == Type::Bytes {
            let bytes = self.cbor(Decoder::bytes)?;
            // In bincode a byte is itself, so they are a sequence there.
            return Reader::<SWITCHES>::new(bytes, Format::Bincode).elements(bytes.len(), visitor);
        }
        let left = self.other_length(Mark::Sequence)?;
        self.elements(left, visitor)
    }

    /// Which variant comes.
    #[cold]
    #[inline(never)]
    pub(super) fn other_variant(&mut self) -> Result<Name<'de>, Unreadable> {
        if !self.is_named() {
            self.mark(Mark::Variant)?;
            return Ok(Name::Number(self.input.get()?));
        }
        let has_value = self.kind()? != Type::String;
        if has_value && self.begin_map()? != 1 {
            return Err(Unreadable::text("a map with one entry was expected, whose key names the variant"));
        }
        let variant = self.cbor(Decoder::str)?;
        if let Some(other) = &mut self.other {
            (other.variant, other.has_value) = (variant, has_value);
        }
        Ok(Name::Text(variant))
    }

    /// Whether a value stands behind the name of a variant.
    #[inline]
    pub(super) fn expect_value(&mut self, expected: bool) -> Result<(), Unreadable> {
        match &self.other {
            Some(other) if other.format.is_named() && other.has_value != expected => {
                Err(Unreadable::text(if expected {
                    "the variant has no value"
                } else {
                    "the variant has a value"
                }))
            }
            _ => Ok(()),
        }
    }

    /// The text that comes next, if it is one.
    pub(super) fn peeked_text(&mut self) -> Option<&'de str> {
        let rest = *self.input.rest();
        if self.is_named() { Decoder::new(rest).str().ok() } else { None }
    }

    /// Whether this field is to be taken for absent.
    pub(super) fn is_absent(&mut self, owner: Option<&'de str>, key: Option<&'de str>) -> bool {
        let absent = self.other.as_mut().and_then(|other| other.absent.as_mut());
        let (Some(absent), Some(owner), Some(key)) = (absent, owner, key) else { return false };
        let is_it = absent.field.is_none() && absent.number == 0;
        absent.number = absent.number.wrapping_sub(1);
        if is_it {
            absent.field = Some((owner, key));
        }
        is_it
    }

    /// The name of a field or a variant.
    pub(super) fn identifier<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Unreadable> {
        if !self.is_named() {
            return Err(needs_names());
        }
        match self.kind()? {
            Type::String => visitor.visit_borrowed_str(self.cbor(Decoder::str)?),
            Type::Bytes => visitor.visit_borrowed_bytes(self.cbor(Decoder::bytes)?),
            _ => visitor.visit_u64(self.cbor(Decoder::u64)?),
        }
    }

    /// A value of whatever kind it is.
    pub(super) fn whatever_comes<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Unreadable> {
        if !self.is_named() {
            return Err(needs_names());
        }
        loop {
            return match self.kind()? {
                Type::Bool => visitor.visit_bool(self.cbor(Decoder::bool)?),
                Type::Null | Type::Undefined => {
                    self.skip()?;
                    visitor.visit_unit()
                }
                Type::U8 | Type::U16 | Type::U32 | Type::U64 => visitor.visit_u64(self.cbor(Decoder::u64)?),
                Type::I8 | Type::I16 | Type::I32 | Type::I64 => visitor.visit_i64(self.cbor(Decoder::i64)?),
                Type::Int => visitor.visit_i128(self.cbor(Decoder::i128)?),
                Type::F32 => visitor.visit_f32(self.cbor(Decoder::f32)?),
                Type::F64 => visitor.visit_f64(self.cbor(Decoder::f64)?),
                Type::Bytes => visitor.visit_borrowed_bytes(self.cbor(Decoder::bytes)?),
                Type::String => visitor.visit_borrowed_str(self.cbor(Decoder::str)?),
                Type::Array | Type::ArrayIndef => {
                    let length = self.begin_array()?;
                    self.elements(length, visitor)
                }
                Type::Map | Type::MapIndef => {
                    let length = self.begin_map()?;
                    self.entries(length, None, visitor)
                }
                Type::Tag => match Decoder::new(self.input.rest()).tag()?.as_u64() {
                    SOME => {
                        self.skip_some()?;
                        visitor.visit_some(self)
                    }
                    tag if tag == BIG[0] => visitor.visit_u128(self.cbor(Decoder::u128)?),
                    tag if tag == BIG[1] => visitor.visit_i128(self.cbor(Decoder::i128)?),
                    // A remark on what follows, which another program may write.
                    _ => {
                        self.cbor(Decoder::tag)?;
                        continue;
                    }
                },
                other => Err(Unreadable::text(format_args!("{other} in CBOR is not read"))),
            };
        }
    }
}

/// A type asks for what only a format with names can tell.
#[cold]
pub(super) fn needs_names() -> Unreadable {
    Unreadable::text("it is read by the names or the kinds of its parts, which bincode does not have")
}

/// A length that fits this machine.
fn in_memory(length: u64) -> Result<usize, Unreadable> {
    match usize::try_from(length) {
        Ok(length) if length != UNTIL_BREAK => Ok(length),
        _ => Err(Unreadable::text("a length that no memory has")),
    }
}
