//! How much of an error in a block is sent to its caller.

use crate::error::{ErrorKind, Refusal, RemoteError};

/// How much of an error or a panic in a block is sent to its caller. Each variant sends more than
/// the one before. The kind of the error, and whether the block ran, are always sent. Nothing of
/// it is logged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Disclosure {
    /// Nothing else.
    Code,
    /// The text of the error that was raised, without its causes.
    Message,
    /// The error with its causes, and the hops that it came through.
    #[default]
    Chain,
    /// The text of a panic, too.
    Panics,
}

impl Disclosure {
    /// What is left of an error.
    pub(crate) fn of(self, error: RemoteError) -> RemoteError {
        match (self, error.kind()) {
            (Self::Panics, _) => error,
            (_, ErrorKind::Panicked) => error.without_causes(),
            (Self::Chain, _) => error,
            (Self::Message, _) => error.with_one_cause(),
            (Self::Code, ErrorKind::Refused(Refusal::DecodeCaptures(_))) => {
                RemoteError::refused(Refusal::DecodeCaptures("it does not tell why".to_owned()))
            }
            (Self::Code, _) => error.without_causes(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::block::raised::Raised;
    use crate::error::Ran;

    #[derive(Debug, thiserror::Error)]
    #[error("MESSAGE")]
    struct Outer(#[source] std::num::ParseIntError);

    #[test]
    fn a_caller_is_told_as_much_as_the_policy_says() {
        let raised = RemoteError::raised(Raised::from(Outer("x".parse::<u8>().unwrap_err())), 100);
        let told = |disclosure: Disclosure| format!("{:#}", disclosure.of(raised.clone()));
        assert_eq!(told(Disclosure::Code), "a block raised an error");
        assert_eq!(told(Disclosure::Message), "a block raised an error: MESSAGE");
        assert_eq!(
            told(Disclosure::Chain),
            "a block raised an error: MESSAGE: invalid digit found in string"
        );
        let panicked =
            RemoteError::new(ErrorKind::Panicked, Ran::Yes).caused_by(&crate::error::panic_text("PANIC"));
        let told = |disclosure: Disclosure| format!("{:#}", disclosure.of(panicked.clone()));
        assert_eq!(told(Disclosure::Chain), "a block panicked");
        assert_eq!(told(Disclosure::Panics), "a block panicked: PANIC");
    }
}
