//! How captures and results become bytes. The only file that names the serializer.
//!
//! bincode is what this project was asked to use. Its maintainers have stopped (RUSTSEC-2025-0141), so everything
//! it does for us stands here, and another serializer is one more arm in each of the two functions.

use std::fmt;

use serde::{Serialize, de::DeserializeOwned};

/// The encoding of a payload. Each frame that carries one says which it is.
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
    source: bincode::error::EncodeError,
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
    Bincode(#[from] bincode::error::DecodeError),
    #[error("{0} bytes are left over")]
    Trailing(usize),
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
            Self::Bincode => {
                bincode::serde::encode_into_std_write(value, &mut buffer, bincode::config::standard())
                    .map_err(|source| EncodeError { type_name: std::any::type_name::<T>(), source })?;
            }
        }
        Ok(buffer)
    }

    /// Reads a value that must fill `bytes` exactly.
    pub fn decode<T: DeserializeOwned>(self, bytes: &[u8]) -> Result<T, DecodeError> {
        let fault = match self {
            Self::Bincode => match decode_bincode(bytes) {
                Ok((value, read)) if read == bytes.len() => return Ok(value),
                Ok((_, read)) => DecodeFault::Trailing(bytes.len() - read),
                Err(error) => error.into(),
            },
        };
        Err(DecodeError { type_name: std::any::type_name::<T>(), length: bytes.len(), source: fault })
    }
}

/// bincode believes a length before it has seen the bytes and may abort the process over it, unless it has a limit.
/// The limit is a constant in its types, so the smallest of four that leaves room for the message is taken.
fn decode_bincode<T: DeserializeOwned>(bytes: &[u8]) -> Result<(T, usize), bincode::error::DecodeError> {
    const KIB_64: usize = 64 << 10;
    const MIB: usize = 1 << 20;
    const MIB_32: usize = 32 << 20;
    const GIB: usize = 1 << 30;
    let config = bincode::config::standard();
    match bytes.len().saturating_mul(8).saturating_add(1024) {
        room if room <= KIB_64 => bincode::serde::decode_from_slice(bytes, config.with_limit::<KIB_64>()),
        room if room <= MIB => bincode::serde::decode_from_slice(bytes, config.with_limit::<MIB>()),
        room if room <= MIB_32 => bincode::serde::decode_from_slice(bytes, config.with_limit::<MIB_32>()),
        _ => bincode::serde::decode_from_slice(bytes, config.with_limit::<GIB>()),
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
mod tests {
    use super::*;

    #[test]
    fn a_value_comes_back_from_its_bytes() {
        let value = (7u32, "seven".to_owned(), vec![Some(1.5f64), None]);
        let bytes = Codec::Bincode.encode(3, &value).unwrap();
        assert_eq!(&bytes[..3], [0, 0, 0]);
        assert_eq!(Codec::Bincode.decode::<(u32, String, Vec<Option<f64>>)>(&bytes[3..]).unwrap(), value);
    }

    #[test]
    fn bytes_left_over_are_an_error_and_not_ignored() {
        let mut bytes = Codec::Bincode.encode(0, &1u8).unwrap();
        bytes.push(0);
        let error = Codec::Bincode.decode::<u8>(&bytes).unwrap_err();
        assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "1 bytes are left over");
    }

    #[test]
    fn a_length_that_the_message_cannot_have_is_an_error_and_not_an_allocation() {
        for exponent in [33, 36, 47, 60, 63] {
            let mut bytes = vec![253];
            bytes.extend_from_slice(&(1u64 << exponent).to_le_bytes());
            assert!(Codec::Bincode.decode::<String>(&bytes).is_err());
            assert!(Codec::Bincode.decode::<Vec<u8>>(&bytes).is_err());
        }
    }
}
