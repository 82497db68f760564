//! The formats that one serializer and one deserializer switch between, and the primitives in each
//! of them.
//!
//! A format of its own for each would be one more copy of the code of each type that travels.

use bincode::de::Decode;
use bincode::enc::Encode;
use minicbor::data::Int;
use minicbor::{Decoder, Encoder};

use super::budget::{RATIO, RATIO_NAMED};

/// A format of the wire, or one that never leaves this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// bincode 2.
    Bincode,
    /// bincode 2 with a [`Mark`] before each part, so that a reader that asks for something else
    /// than was written is noticed. Never on the wire: it tells whether bincode can carry a
    /// type.
    Marked,
    /// CBOR, with the names of fields and variants.
    Cbor,
    /// The same, where types choose the form that they have in texts. serde's own buffer for
    /// `untagged`, `tag` and `flatten` asks for that form whatever the format is, so both
    /// sides have to agree on it.
    CborText,
}

impl Format {
    /// Whether the parts of a value are identified by their names, and not by their order alone.
    #[inline]
    pub(super) fn is_named(self) -> bool {
        matches!(self, Self::Cbor | Self::CborText)
    }

    /// How many bytes of memory a byte of a message may take.
    #[inline]
    pub(super) fn ratio(self) -> usize {
        if self.is_named() { RATIO_NAMED } else { RATIO }
    }
}

/// What stands before a part in [`Format::Marked`].
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Mark {
    Bool = 1,
    I8,
    I16,
    I32,
    I64,
    I128,
    U8,
    U16,
    U32,
    U64,
    U128,
    F32,
    F64,
    Char,
    /// A text or bytes, which are alike in bincode.
    Text,
    Unit,
    None,
    Some,
    /// As many parts as the type has: a struct, a tuple or an array.
    Fixed,
    Sequence,
    Map,
    Variant,
    /// After the last part of what has some.
    End,
}

/// How many levels of `Some` stand around a value that would be taken for `None` without them: a
/// tag from the range that is free for all.
pub(super) const SOME: u64 = 80_808;

/// A value without parts.
pub(super) trait Primitive: Encode + Decode<()> {
    const MARK: Mark;

    /// Appends it in CBOR.
    fn put_cbor(self, out: &mut Vec<u8>);

    /// Reads it from CBOR.
    fn get_cbor(input: &mut Decoder<'_>) -> Result<Self, minicbor::decode::Error>;
}

macro_rules! primitives {
    ($($type:ident $mark:ident $get:expr;)*) => {
        $(
            impl Primitive for $type {
                const MARK: Mark = Mark::$mark;

                fn put_cbor(self, out: &mut Vec<u8>) {
                    written(Encoder::new(out).$type(self).map(drop));
                }

                fn get_cbor(input: &mut Decoder<'_>) -> Result<Self, minicbor::decode::Error> {
                    $get(input)
                }
            }
        )*
    };
}

primitives! {
    bool Bool Decoder::bool;
    i8 I8 integer; i16 I16 integer; i32 I32 integer; i64 I64 integer; i128 I128 Decoder::i128;
    u8 U8 integer; u16 U16 integer; u32 U32 integer; u64 U64 integer; u128 U128 Decoder::u128;
    f32 F32 Decoder::f32; f64 F64 Decoder::f64;
}

/// The decoder reads each width by other code, of which a page would load all.
fn integer<T: TryFrom<Int>>(input: &mut Decoder<'_>) -> Result<T, minicbor::decode::Error> {
    let begin = input.position();
    let wide = |_| minicbor::decode::Error::message("an integer that its type cannot have").at(begin);
    T::try_from(input.int()?).map_err(wide)
}

/// As a text, because that is what others take for a character.
impl Primitive for char {
    const MARK: Mark = Mark::Char;

    fn put_cbor(self, out: &mut Vec<u8>) {
        written(Encoder::new(out).str(self.encode_utf8(&mut [0; 4])).map(drop));
    }

    fn get_cbor(input: &mut Decoder<'_>) -> Result<Self, minicbor::decode::Error> {
        let text = input.str()?;
        let mut chars = text.chars();
        match (chars.next(), chars.next()) {
            (Some(char), None) => Ok(char),
            _ => Err(minicbor::decode::Error::message("a text that is no single character")),
        }
    }
}

/// Writing to a buffer in memory does not fail, and its error has no value.
#[inline]
pub(super) fn written(result: Result<(), minicbor::encode::Error<std::convert::Infallible>>) {
    debug_assert!(result.is_ok(), "a buffer in memory takes what it is given");
}
