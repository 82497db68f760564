//! The close frame of a connection.

use crate::util::shown::{OneLine, floor_boundary};
use crate::wire::frame::SessionEnd;

/// The reason of a program that ends without closing its sessions.
pub(in crate::peer) const PROGRAM_ENDED: &str = "the program has ended";

/// Why a connection closes, as its WebSocket close frame says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Goodbye {
    /// The code of the close frame.
    pub code: u16,
    /// A text of at most 123 bytes, which is the limit of a close frame, without control
    /// characters. It may be empty.
    pub reason: String,
}

impl Goodbye {
    fn new(code: u16, reason: &str) -> Self {
        let mut reason = OneLine(reason).to_string();
        reason.truncate(floor_boundary(&reason, SessionEnd::LONGEST_REASON));
        Self { code, reason }
    }

    /// A normal end (1000).
    #[must_use]
    pub fn normal(reason: &str) -> Self {
        Self::new(1000, reason)
    }

    /// This side is going away (1001).
    #[must_use]
    pub fn away(reason: &str) -> Self {
        Self::new(1001, reason)
    }

    /// The other side violated the protocol (1002).
    #[must_use]
    pub fn protocol(reason: &str) -> Self {
        Self::new(1002, reason)
    }

    /// The other side sent a type of message that is never read (1003).
    #[must_use]
    pub fn unsupported(reason: &str) -> Self {
        Self::new(1003, reason)
    }

    /// The other side sent a text that is not valid (1007).
    #[must_use]
    pub fn no_text(reason: &str) -> Self {
        Self::new(1007, reason)
    }

    /// The other side may not have a session (1008).
    #[must_use]
    pub fn policy(reason: &str) -> Self {
        Self::new(1008, reason)
    }

    /// The other side sent a message that is too large (1009).
    #[must_use]
    pub fn too_large(reason: &str) -> Self {
        Self::new(1009, reason)
    }

    /// This side met with an error that it cannot recover from (1011).
    #[must_use]
    pub fn internal(reason: &str) -> Self {
        Self::new(1011, reason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_that_is_too_long_is_cut_between_two_characters() {
        let goodbye = Goodbye::normal(&"é".repeat(100));
        assert_eq!(goodbye.reason, "é".repeat(61));
    }

    #[test]
    fn control_characters_in_reason_are_escaped() {
        assert_eq!(Goodbye::policy("a\r\n\u{1b}b").reason, "a\\r\\n\\u{1b}b");
    }
}
