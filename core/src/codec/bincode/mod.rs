//! bincode 2 in its standard configuration: variable-length integers, little endian, not self-describing.
//!
//! What each primitive looks like is bincode's business; only the adapter between it and serde is ours. bincode's own
//! takes the elements of a sequence one by one, so that 1 MiB of `Vec<u8>` cost it 0.4 ms to write and 0.8 ms to read. Ours
//! takes the [`plain`] ones at once. It also reads from a slice whose end it sees, so it needs none of bincode's limits,
//! of which each would be one more copy of the code of each type.

mod plain;
mod reader;
mod unreadable;
mod writer;

use bincode::config::{self, Configuration};
use bincode::error::{DecodeError, EncodeError};
use serde::Serialize;
use serde::de::DeserializeSeed;

use self::reader::Reader;
use self::unreadable::Unreadable;
use self::writer::Writer;

const CONFIGURATION: Configuration = config::standard();

/// Writes a value behind what is in the buffer already.
pub(super) fn encode<T: Serialize + ?Sized>(buffer: Vec<u8>, value: &T) -> Result<Vec<u8>, EncodeError> {
    let mut writer = Writer::new(buffer);
    value.serialize(&mut writer)?;
    Ok(writer.into_bytes())
}

/// Reads a value from the front of `bytes`, and says how many are left.
pub(super) fn decode<'de, S: DeserializeSeed<'de>>(
    bytes: &'de [u8],
    seed: S,
) -> Result<(S::Value, usize), DecodeError> {
    let mut reader = Reader::new(bytes);
    let value = seed.deserialize(&mut reader).map_err(|Unreadable(error)| error)?;
    Ok((value, reader.left()))
}

#[cfg(test)]
mod tests;
