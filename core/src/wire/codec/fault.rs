//! Why a value cannot be written or read, as serde makes it.

use std::fmt;

use bincode::error::DecodeError;
use serde::de::{self, Expected, Unexpected};
use serde::ser;

text_is_debug!(Unwritable, WriteFault, Unreadable);

/// A value cannot be written. Boxed, so that every result on the way of one that can be is small.
#[derive(thiserror::Error)]
#[cfg_attr(not(target_family = "wasm"), derive(Debug))]
#[error(transparent)]
pub(crate) struct Unwritable(Box<WriteFault>);

#[derive(thiserror::Error)]
#[cfg_attr(not(target_family = "wasm"), derive(Debug))]
pub(super) enum WriteFault {
    #[error("bincode cannot write it")]
    Bincode,
    /// Its `Serialize` says so.
    #[error("{0}")]
    Custom(String),
    /// The format has no names, and so must have every field.
    #[error("the field `{0}` is left out")]
    LeftOut(&'static str),
    /// The format has the length first.
    #[error("a sequence or a map has no known length")]
    NoLength,
    #[error(
        "`{name}` is written with {written} of its {expected} unnamed fields, and which ones cannot be told: give its fields names, or write all of them"
    )]
    TupleLength { name: &'static str, expected: usize, written: usize },
    #[error("its `Serialize` announces another number of parts than it writes")]
    Count,
}

impl Unwritable {
    /// Whether a format with names and open lengths could carry the value.
    pub(super) fn wants_names(&self) -> bool {
        matches!(*self.0, WriteFault::LeftOut(_) | WriteFault::NoLength)
    }
}

impl From<WriteFault> for Unwritable {
    #[cold]
    fn from(fault: WriteFault) -> Self {
        Self(Box::new(fault))
    }
}

impl From<bincode::error::EncodeError> for Unwritable {
    #[cold]
    fn from(_: bincode::error::EncodeError) -> Self {
        WriteFault::Bincode.into()
    }
}

impl ser::Error for Unwritable {
    #[cold]
    fn custom<T: fmt::Display>(message: T) -> Self {
        WriteFault::Custom(message.to_string()).into()
    }
}

/// A value cannot be read. Boxed, so that every result on the way of one that can be is small.
#[cfg_attr(not(target_family = "wasm"), derive(Debug))]
pub(crate) struct Unreadable(Box<Inner>);

#[derive(Debug)]
struct Inner {
    fault: Fault,
    /// The fields that lead to it, outermost first, where the format knows them.
    path: String,
}

#[derive(Debug)]
enum Fault {
    Bincode(DecodeError),
    Cbor(minicbor::decode::Error),
    Text(String),
}

impl Unreadable {
    #[cold]
    fn new(fault: Fault) -> Self {
        Self(Box::new(Inner { fault, path: String::new() }))
    }

    #[cold]
    pub(super) fn text(message: impl fmt::Display) -> Self {
        Self::new(Fault::Text(message.to_string()))
    }

    /// The same, somewhere inside this field.
    #[cold]
    pub(super) fn inside(mut self, field: &str) -> Self {
        let path = &mut self.0.path;
        if !path.is_empty() {
            path.insert(0, '.');
        }
        path.insert_str(0, field);
        self
    }
}

impl From<DecodeError> for Unreadable {
    #[cold]
    fn from(error: DecodeError) -> Self {
        Self::new(Fault::Bincode(error))
    }
}

impl From<minicbor::decode::Error> for Unreadable {
    #[cold]
    fn from(error: minicbor::decode::Error) -> Self {
        Self::new(Fault::Cbor(error))
    }
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.0.path.is_empty() {
            write!(f, "field `{}`: ", self.0.path)?;
        }
        match &self.0.fault {
            Fault::Bincode(error) => write_bincode(error, f),
            // minicbor's own text names each kind, which is 3 KB of what a page loads.
            Fault::Cbor(error) if error.is_end_of_input() => f.write_str("the value is cut short"),
            Fault::Cbor(error) => match error.position() {
                Some(position) => {
                    write!(f, "at byte {position} is another kind of value than its type reads")
                }
                None => f.write_str("another kind of value than its type reads"),
            },
            Fault::Text(text) => f.write_str(text),
        }
    }
}

/// bincode's own text is its `Debug`, which is also that of types that are never read.
fn write_bincode(error: &DecodeError, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match error {
        DecodeError::UnexpectedEnd { .. } => f.write_str("the value is cut short"),
        DecodeError::InvalidBooleanValue(byte) => write!(f, "a boolean is 0 or 1, and not {byte}"),
        DecodeError::UnexpectedVariant { found, type_name, .. } => {
            write!(f, "`{type_name}` has no variant {found}")
        }
        DecodeError::Utf8 { inner } => write!(f, "a text is not UTF-8: {inner}"),
        DecodeError::InvalidCharEncoding(_) => f.write_str("a character is not UTF-8"),
        DecodeError::InvalidIntegerType { .. } => f.write_str("an integer is too large for its type"),
        DecodeError::OutsideUsizeRange(length) => write!(f, "a length of {length} is too large"),
        DecodeError::LimitExceeded => f.write_str("a length is too large"),
        _ => f.write_str("it is not a value of its type"),
    }
}

impl std::error::Error for Unreadable {}

impl de::Error for Unreadable {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::text(message)
    }

    fn invalid_type(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::text(format_args!("invalid type: {}, expected {expected}", Found(&unexpected)))
    }

    fn invalid_value(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::text(format_args!("invalid value: {}, expected {expected}", Found(&unexpected)))
    }
}

/// What was found where something else was expected. serde's own text can show floats, and what
/// writes floats is a twentieth of what a page loads.
struct Found<'a>(&'a Unexpected<'a>);

impl fmt::Display for Found<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Unexpected::Bool(value) => write!(f, "boolean `{value}`"),
            Unexpected::Unsigned(value) => write!(f, "integer `{value}`"),
            Unexpected::Signed(value) => write!(f, "integer `{value}`"),
            Unexpected::Char(value) => write!(f, "character `{value}`"),
            Unexpected::Str(value) => write!(f, "string {value:?}"),
            Unexpected::Float(_) => f.write_str("a number with a point"),
            Unexpected::Unit => f.write_str("nothing"),
            Unexpected::Seq => f.write_str("a sequence"),
            Unexpected::Map => f.write_str("a map"),
            _ => f.write_str("something else"),
        }
    }
}
