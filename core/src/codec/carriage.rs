//! How the values of one type travel.

use serde::Serialize;

use super::tuples::TupleLengths;
use super::{Codec, EncodeError};

/// The codec that carries the values of a type exactly, and what is used for one that it cannot carry after all.
#[derive(Debug)]
pub(crate) struct Carriage {
    codec: Codec,
    /// For a value that leaves a field out, which made-up values of its type did not.
    otherwise: Option<Codec>,
    tuples: TupleLengths,
}

impl Carriage {
    pub(crate) const fn new(codec: Codec, otherwise: Option<Codec>, tuples: TupleLengths) -> Self {
        Self { codec, otherwise, tuples }
    }

    /// The codec of nearly all values.
    pub(crate) fn codec(&self) -> Codec {
        self.codec
    }

    /// Writes a value behind `head` bytes of room, and says in which codec.
    #[inline]
    pub(crate) fn encode<T: Serialize + ?Sized>(
        &self,
        head: usize,
        value: &T,
    ) -> Result<(Codec, Vec<u8>), EncodeError> {
        match self.codec.encode_checked(head, self.tuples(), value) {
            Ok(bytes) => Ok((self.codec, bytes)),
            Err(error) => self.encode_otherwise(head, value, error),
        }
    }

    #[cold]
    #[inline(never)]
    fn encode_otherwise<T: Serialize + ?Sized>(
        &self,
        head: usize,
        value: &T,
        error: EncodeError,
    ) -> Result<(Codec, Vec<u8>), EncodeError> {
        match self.otherwise.filter(|_| error.wants_names()) {
            Some(codec) => Ok((codec, codec.encode_checked(head, self.tuples(), value)?)),
            None => Err(error),
        }
    }

    #[inline]
    fn tuples(&self) -> Option<&TupleLengths> {
        if self.tuples.is_empty() { None } else { Some(&self.tuples) }
    }
}
