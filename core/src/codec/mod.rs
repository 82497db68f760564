//! How captures and results become bytes.
//!
//! bincode is what this project was asked to use. Its maintainers have stopped (RUSTSEC-2025-0141), so everything
//! it does for us stands in [`mod@bincode`], and another serializer is one more module and one more arm in each of the two
//! functions. What keeps a hostile message from ending the process ([`budget`]) is the same for every serializer.

mod bincode;
mod budget;
mod guarded;
mod watched;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use budget::OverBudget;
pub(crate) use budget::SPARE;
use budget::{Budget, Within};

/// The encoding of a payload. Each frame that carries one says which it is.
///
/// # What a value may be
///
/// Any serde type, with three bounds that keep a hostile message from ending the process that decodes it. Both are kept
/// where a value is *decoded*, and are a [`DecodeError`] there that says which of them and its number
/// ([`DecodeError::over_budget`]):
///
/// - A value is nested at most 64 levels deep. A `Some`, a sequence, a map and an enum's variant are one level each;
///   structs, tuples and newtypes around them are none. A longer chain (a linked list of `Option<Box<Node>>`) has to
///   travel as a `Vec` of its parts. A `Vec` of bytes or floats is no level. An option or an enum of several KiB is one
///   level more for each of them, up to 16.
/// - Its sequences and maps have at most one element for each byte of the message, plus 1024. Only elements that take no
///   byte at all, as in a long `Vec<()>`, can be more.
/// - It takes at most 24 bytes of memory for each byte of the message, plus [`Limits::memory`](crate::Limits::memory). The elements of sequences
///   count with their size, and so do options and enums that have memory of their own. The entries of maps, sets and heaps
///   count three times, because finding the place of each takes time. Only types that are
///   large and mostly absent can take more, as a long `Vec<Option<[u64; 1000]>>` of `None`s; a `Box` inside the `Option`
///   helps.
///
/// Encoding counts nothing: the sender's own value already fits in its memory, and a receiver may never trust that
/// somebody else has counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Codec {
    /// bincode 2 in its standard configuration: variable-length integers, little endian, not self-describing.
    #[default]
    Bincode,
}

/// A value that could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot encode {type_name}")]
pub struct EncodeError {
    type_name: &'static str,
    source: ::bincode::error::EncodeError,
}

/// Bytes that are not the value that was expected.
#[derive(Debug, thiserror::Error)]
#[error("cannot decode {type_name} from {length} bytes")]
pub struct DecodeError {
    type_name: &'static str,
    length: usize,
    source: DecodeFault,
}

#[derive(Debug, thiserror::Error)]
enum DecodeFault {
    #[error(transparent)]
    OverBudget(OverBudget),
    #[error(transparent)]
    Bincode(#[from] ::bincode::error::DecodeError),
    #[error("{0} bytes are left over")]
    Trailing(usize),
}

impl DecodeError {
    /// Which bound the message broke, if it was one of those that protect the decoding process.
    #[must_use]
    pub const fn over_budget(&self) -> Option<OverBudget> {
        match self.source {
            DecodeFault::OverBudget(over) => Some(over),
            DecodeFault::Bincode(_) | DecodeFault::Trailing(_) => None,
        }
    }
}

impl Codec {
    /// The number by which frames and the handshake name this codec.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Bincode => 1,
        }
    }

    /// The codec with this number, if this build has it.
    #[must_use]
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            1 => Some(Self::Bincode),
            _ => None,
        }
    }

    /// Writes `value` behind `head` zero bytes, which the frame's header takes later without a copy.
    pub fn encode<T: Serialize + ?Sized>(self, head: usize, value: &T) -> Result<Vec<u8>, EncodeError> {
        let mut buffer = Vec::with_capacity(head + 64);
        buffer.resize(head, 0);
        match self {
            Self::Bincode => bincode::encode(buffer, value),
        }
        .map_err(|source| EncodeError { type_name: std::any::type_name::<T>(), source })
    }

    /// Reads a value that must fill `bytes` exactly.
    ///
    /// Whatever the bytes are, this returns soon: see [`Codec`] for the bounds. Nothing in the value is borrowed from them:
    /// every `T: DeserializeOwned` is read, and a type that insists on borrowing gets an error.
    pub fn decode<T: Deserialize<'static>>(self, bytes: &[u8]) -> Result<T, DecodeError> {
        self.decode_within(SPARE, bytes)
    }

    /// The same, where the value may take so many bytes of memory beyond 24 for each byte of the message:
    /// [`Limits::memory`](crate::Limits::memory).
    pub fn decode_within<T: Deserialize<'static>>(
        self,
        memory: usize,
        bytes: &[u8],
    ) -> Result<T, DecodeError> {
        let mut budget = Budget::of(bytes.len(), memory);
        let result = match self {
            Self::Bincode => bincode::decode(bytes, Within::<T>::new(&mut budget)),
        };
        let fault = match (budget.exceeded(), result) {
            (Some(over), _) => DecodeFault::OverBudget(over),
            (None, Ok((value, 0))) => return Ok(value),
            (None, Ok((_, left))) => DecodeFault::Trailing(left),
            (None, Err(error)) => error.into(),
        };
        Err(DecodeError { type_name: std::any::type_name::<T>(), length: bytes.len(), source: fault })
    }
}

impl fmt::Display for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bincode => "bincode",
        })
    }
}

#[cfg(test)]
mod tests;
