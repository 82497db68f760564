//! bincode's error, as serde makes it.

use std::fmt;

use bincode::error::DecodeError;
use serde::de::{self, Expected, Unexpected};

/// A value cannot be read.
#[derive(Debug)]
pub(super) struct Unreadable(pub(super) DecodeError);

impl From<DecodeError> for Unreadable {
    fn from(error: DecodeError) -> Self {
        Self(error)
    }
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Unreadable {}

impl de::Error for Unreadable {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(DecodeError::custom(message))
    }

    fn invalid_type(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::custom(format_args!("invalid type: {}, expected {expected}", Found(&unexpected)))
    }

    fn invalid_value(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::custom(format_args!("invalid value: {}, expected {expected}", Found(&unexpected)))
    }
}

/// What was found where something else was expected. serde's own text can show floats, and what writes floats is a twentieth of what a
/// page loads.
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
            _ => f.write_str("something else"),
        }
    }
}
