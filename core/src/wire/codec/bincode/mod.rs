//! bincode 2 in its standard configuration: variable-length integers, little endian, not
//! self-describing.
//!
//! What each primitive looks like is bincode's business; only the adapter between it and serde is
//! ours. bincode's own takes the elements of a sequence one by one, so that 1 MiB of `Vec<u8>`
//! cost it 0.4 ms to write and 0.8 ms to read. Ours takes the [`plain`] ones at once. It also
//! reads from a slice whose end it sees, so it needs none of bincode's limits, of which each would
//! be one more copy of the code of each type.

pub(super) mod plain;

use bincode::config::{self, Configuration};
use bincode::de::read::{self, BorrowReader as _};
use bincode::de::{BorrowDecoder as _, Decode, Decoder, DecoderImpl};
use bincode::enc::{Encode, Encoder, EncoderImpl, write};
use bincode::error::{DecodeError, EncodeError};

const CONFIGURATION: Configuration = config::standard();

/// What is written: a buffer that grows.
pub(super) struct Output(EncoderImpl<Buffer, Configuration>);

struct Buffer(Vec<u8>);

impl write::Writer for Buffer {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> Result<(), EncodeError> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }
}

impl Output {
    #[inline]
    pub(super) fn new(buffer: Vec<u8>) -> Self {
        Self(EncoderImpl::new(Buffer(buffer), CONFIGURATION))
    }

    /// Appends a value in bincode.
    #[inline]
    pub(super) fn put(&mut self, value: impl Encode) -> Result<(), EncodeError> {
        value.encode(&mut self.0)
    }

    /// All that was written so far.
    #[inline]
    pub(super) fn bytes(&mut self) -> &mut Vec<u8> {
        &mut self.0.writer().0
    }

    #[inline]
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.0.into_writer().0
    }
}

/// What is read: the rest of a slice.
pub(super) struct Input<'de>(DecoderImpl<Slice<'de>, Configuration, ()>);

/// What is left of the bytes.
struct Slice<'de>(&'de [u8]);

impl<'de> Slice<'de> {
    #[inline]
    fn take(&mut self, count: usize) -> Result<&'de [u8], DecodeError> {
        match self.0.split_at_checked(count) {
            Some((taken, rest)) => {
                self.0 = rest;
                Ok(taken)
            }
            None => Err(DecodeError::UnexpectedEnd { additional: count - self.0.len() }),
        }
    }
}

impl read::Reader for Slice<'_> {
    #[inline]
    fn read(&mut self, bytes: &mut [u8]) -> Result<(), DecodeError> {
        bytes.copy_from_slice(self.take(bytes.len())?);
        Ok(())
    }

    #[inline]
    fn peek_read(&mut self, count: usize) -> Option<&[u8]> {
        self.0.get(..count)
    }

    #[inline]
    fn consume(&mut self, count: usize) {
        // bincode consumes what it has peeked at.
        self.0 = self.0.get(count..).unwrap_or_default();
    }
}

impl<'de> read::BorrowReader<'de> for Slice<'de> {
    #[inline]
    fn take_bytes(&mut self, count: usize) -> Result<&'de [u8], DecodeError> {
        self.take(count)
    }
}

impl<'de> Input<'de> {
    #[inline]
    pub(super) fn new(bytes: &'de [u8]) -> Self {
        Self(DecoderImpl::new(Slice(bytes), CONFIGURATION, ()))
    }

    /// What has not been read yet.
    #[inline]
    pub(super) fn rest(&mut self) -> &mut &'de [u8] {
        &mut self.0.reader().0
    }

    /// Reads a value in bincode.
    #[inline]
    pub(super) fn get<T: Decode<()>>(&mut self) -> Result<T, DecodeError> {
        T::decode(&mut self.0)
    }

    /// Reads a length in bincode.
    #[inline]
    pub(super) fn length(&mut self) -> Result<usize, DecodeError> {
        let length: u64 = self.get()?;
        length.try_into().map_err(|_| DecodeError::OutsideUsizeRange(length))
    }

    /// The next bytes.
    #[inline]
    pub(super) fn take(&mut self, count: usize) -> Result<&'de [u8], DecodeError> {
        self.0.borrow_reader().take_bytes(count)
    }
}

#[cfg(test)]
mod tests;
