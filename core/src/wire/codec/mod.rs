//! How captures and results become bytes.
//!
//! bincode carries every type that it can carry exactly, and CBOR all others: which it is, is
//! found out by tracing the type (see `shape`) and stands in each message. Both are read and
//! written by one deserializer ([`reader`]) and one serializer ([`writer`]) that switch
//! inside, because each of them is compiled once for each type. bincode's maintainers have stopped
//! (RUSTSEC-2025-0141), so what it does for us stands in [`mod@bincode`]. What keeps a hostile
//! message from ending the process ([`budget`]) is the same for every format.

mod bincode;
mod budget;
mod carriage;
mod check;
mod fault;
mod format;
mod guarded;
mod reader;
mod tuples;
mod watched;
mod writer;

use std::fmt;

use serde::de::DeserializeSeed;
use serde::{Deserialize, Serialize};

pub use budget::OverBudget;
pub(crate) use budget::SPARE;
pub(crate) use budget::{Budget, Within};
pub(crate) use carriage::Carriage;
pub use carriage::Written;
pub(crate) use check::{marked, named, optional_fields};
pub(crate) use fault::{Unreadable, Unwritable};
use format::Format;
pub(crate) use reader::Reader;
pub(crate) use tuples::TupleLengths;
pub(crate) use writer::Writer;

use crate::block::type_names;
use crate::wire::frame::HEAD;

text_is_debug!(EncodeError, Unwritten, DecodeError, Unread, DecodeFault);

/// The encoding of a payload. Each frame that carries one says which it is.
///
/// # What a value may be
///
/// Any serde type, with four bounds that keep a hostile message from ending the process that
/// decodes it. They are kept where a value is *decoded*, and are a [`DecodeError`] there that says
/// which of them and its number ([`DecodeError::over_budget`]):
///
/// - A value is nested at most 64 levels deep. A `Some`, a sequence, a map and an enum's variant
///   are one level each; structs, tuples and newtypes around them are none. A longer chain (a
///   linked list of `Option<Box<Node>>`) has to travel as a `Vec` of its parts. A `Vec` of bytes
///   or floats is no level. An option or an enum of several KiB is one level more for each of
///   them, up to 16.
/// - Its sequences and maps have at most one element for each byte of the message, plus 1024. Only
///   elements that take no byte at all, as in a long `Vec<()>`, can be more.
/// - Of what takes long to make, it has at most three for each byte of the first MiB of the
///   message, plus one for each 16 bytes of
///   [`Limits::max_decode_memory`](crate::Limits::max_decode_memory): texts, sequences, maps,
///   elements that own memory, and two for each entry of a map or a set. Numbers, and what is made
///   of numbers alone, are not counted.
/// - It takes at most 24 bytes of memory for each byte of the message (40 in CBOR), plus
///   [`Limits::max_decode_memory`](crate::Limits::max_decode_memory). The elements of sequences
///   count with their size, and so do options and enums that have memory of their own. The entries
///   of maps, sets and heaps count three times, because finding the place of each takes time. Only
///   types that are large and mostly absent can take more, as a long `Vec<Option<[u64; 1000]>>` of
///   `None`s; a `Box` inside the `Option` helps.
///
/// Encoding counts nothing: the sender's own value already fits in its memory, and a receiver may
/// never trust that another peer has counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Codec {
    /// bincode 2 in its standard configuration: variable-length integers, little endian, not
    /// self-describing.
    #[default]
    Bincode,
    /// CBOR (RFC 8949), self-describing: fields and variants stand there by their names. For types
    /// that bincode cannot carry, and for blocks whose values may grow.
    Cbor,
    /// The same, and each type takes the form that it has in texts, for instance an IP address as
    /// `"127.0.0.1"`. For types that serde reads through a buffer of its own (`untagged`,
    /// `tag`, `flatten`), because that always asks for this form.
    CborText,
}

/// A value that could not be written.
#[derive(thiserror::Error)]
#[cfg_attr(not(target_family = "wasm"), derive(Debug))]
#[error("cannot encode `{}`", type_names::of_user(.0.type_name))]
pub struct EncodeError(#[source] Box<Unwritten>);

#[derive(thiserror::Error)]
#[cfg_attr(not(target_family = "wasm"), derive(Debug))]
#[error("{source}")]
struct Unwritten {
    type_name: &'static str,
    source: Unwritable,
}

impl EncodeError {
    #[cold]
    fn new(type_name: &'static str, source: Unwritable) -> Self {
        Self(Box::new(Unwritten { type_name, source }))
    }

    /// Whether CBOR could carry what bincode cannot.
    pub(crate) fn wants_names(&self) -> bool {
        self.0.source.wants_names()
    }
}

/// Bytes that are not the value that was expected.
#[derive(thiserror::Error)]
#[cfg_attr(not(target_family = "wasm"), derive(Debug))]
#[error("cannot decode `{}` from {} bytes", type_names::of_user(.0.type_name), .0.length)]
pub struct DecodeError(#[source] Box<Unread>);

#[derive(thiserror::Error)]
#[cfg_attr(not(target_family = "wasm"), derive(Debug))]
#[error("{source}")]
struct Unread {
    type_name: &'static str,
    length: usize,
    source: DecodeFault,
}

#[derive(thiserror::Error)]
#[cfg_attr(not(target_family = "wasm"), derive(Debug))]
enum DecodeFault {
    #[error(transparent)]
    OverBudget(OverBudget),
    #[error(transparent)]
    Unreadable(Unreadable),
    #[error("{0} bytes are left over")]
    Trailing(usize),
}

impl DecodeError {
    #[cold]
    #[inline(never)]
    fn new(
        type_name: &'static str,
        length: usize,
        over: Option<OverBudget>,
        error: Option<Unreadable>,
        left: usize,
    ) -> Self {
        let source = match (over, error) {
            (Some(over), _) => DecodeFault::OverBudget(over),
            (None, Some(error)) => DecodeFault::Unreadable(error),
            (None, None) => DecodeFault::Trailing(left),
        };
        Self(Box::new(Unread { type_name, length, source }))
    }

    /// Which bound the message broke, if it was one of those that protect the decoding process.
    #[must_use]
    pub fn over_budget(&self) -> Option<OverBudget> {
        match self.0.source {
            DecodeFault::OverBudget(over) => Some(over),
            DecodeFault::Unreadable(_) | DecodeFault::Trailing(_) => None,
        }
    }
}

/// A buffer that most values fit, behind so many zeros for a header.
#[inline(never)]
fn room(head: usize) -> Vec<u8> {
    const ZEROS: [u8; HEAD] = [0; HEAD];
    let mut buffer = Vec::with_capacity(head + 64);
    match ZEROS.get(..head) {
        Some(zeros) => buffer.extend_from_slice(zeros),
        None => buffer.resize(head, 0),
    }
    buffer
}

#[inline]
fn write<T: Serialize + ?Sized>(
    buffer: Vec<u8>,
    format: Format,
    tuples: Option<&TupleLengths>,
    value: &T,
) -> Result<Vec<u8>, Unwritable> {
    let mut writer = Writer::<true>::new(buffer, format, tuples);
    value.serialize(&mut writer)?;
    Ok(writer.into_bytes())
}

/// The value, and how many bytes were paid for.
#[inline]
fn read<T: Deserialize<'static>, const SWITCHES: bool>(
    format: Format,
    memory: usize,
    bytes: &[u8],
) -> Result<(T, usize), DecodeError> {
    let mut budget = Budget::of(bytes.len(), format.ratio(), memory);
    let mut reader = Reader::<SWITCHES>::new(bytes, format);
    let result = Within::<T>::new(&mut budget).deserialize(&mut reader);
    let (over, left) = (budget.exceeded(), reader.left());
    match result {
        Ok(value) if over.is_none() && left == 0 => Ok((value, budget.paid())),
        result => Err(DecodeError::new(std::any::type_name::<T>(), bytes.len(), over, result.err(), left)),
    }
}

/// Reads a value of this library's own types, which travel by bincode alone.
pub(crate) fn decode_own<T: Deserialize<'static>>(bytes: &[u8]) -> Result<T, DecodeError> {
    read::<T, false>(Format::Bincode, SPARE, bytes).map(|(value, _)| value)
}

/// Writes such a value behind `head` bytes of room.
pub(crate) fn encode_own<T: Serialize>(head: usize, value: &T) -> Result<Vec<u8>, EncodeError> {
    let mut writer = Writer::<false>::new(vec![0; head], Format::Bincode, None);
    match value.serialize(&mut writer) {
        Ok(()) => Ok(writer.into_bytes()),
        Err(source) => Err(EncodeError::new(std::any::type_name::<T>(), source)),
    }
}

impl Codec {
    /// All codecs that this build has.
    pub const ALL: [Self; 3] = [Self::Bincode, Self::Cbor, Self::CborText];

    /// The number by which frames and the handshake name this codec.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Bincode => 1,
            Self::Cbor => 2,
            Self::CborText => 3,
        }
    }

    /// The codec with this number, if this build has it.
    #[must_use]
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            1 => Some(Self::Bincode),
            2 => Some(Self::Cbor),
            3 => Some(Self::CborText),
            _ => None,
        }
    }

    fn format(self) -> Format {
        match self {
            Self::Bincode => Format::Bincode,
            Self::Cbor => Format::Cbor,
            Self::CborText => Format::CborText,
        }
    }

    /// Writes `value` behind `head` zero bytes, which the frame's header takes later without a
    /// copy.
    ///
    /// # Errors
    ///
    /// When the value cannot be written in this encoding, or its own `Serialize` fails.
    pub fn encode<T: Serialize + ?Sized>(self, head: usize, value: &T) -> Result<Vec<u8>, EncodeError> {
        self.encode_checked(head, None, value)
    }

    fn encode_checked<T: Serialize + ?Sized>(
        self,
        head: usize,
        tuples: Option<&TupleLengths>,
        value: &T,
    ) -> Result<Vec<u8>, EncodeError> {
        write(room(head), self.format(), tuples, value)
            .map_err(|source| EncodeError::new(std::any::type_name::<T>(), source))
    }

    /// Reads a value that must fill `bytes` exactly.
    ///
    /// Whatever the bytes are, this returns soon: see [`Codec`] for the bounds. Nothing in the
    /// value is borrowed from them: every `T: DeserializeOwned` is read, and a type that
    /// insists on borrowing gets an error.
    pub fn decode<T: Deserialize<'static>>(self, bytes: &[u8]) -> Result<T, DecodeError> {
        self.decode_within(SPARE, bytes)
    }

    /// The same, where the value may take `memory` bytes beyond those for each byte of the
    /// message: [`Limits::max_decode_memory`](crate::Limits::max_decode_memory).
    pub fn decode_within<T: Deserialize<'static>>(
        self,
        memory: usize,
        bytes: &[u8],
    ) -> Result<T, DecodeError> {
        self.decode_counted(memory, bytes).map(|(value, _)| value)
    }

    /// The same, and how many bytes of memory the sequences and maps of the value take, about.
    pub(crate) fn decode_counted<T: Deserialize<'static>>(
        self,
        memory: usize,
        bytes: &[u8],
    ) -> Result<(T, usize), DecodeError> {
        read::<T, true>(self.format(), memory, bytes)
    }
}

impl fmt::Display for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bincode => "bincode",
            Self::Cbor => "CBOR",
            Self::CborText => "CBOR with texts",
        })
    }
}

#[cfg(test)]
mod named_tests;
#[cfg(test)]
mod tests;
