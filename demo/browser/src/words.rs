//! What a page shows when an error occurs, for users who are not its developers. The details for
//! developers are in its console.

use std::fmt;

use distributed_scope::{ConnectError, ErrorKind, Refusal, RemoteError};

/// The message, and whether loading the page again helps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words {
    /// A sentence or two.
    pub text: String,
    /// Whether the page is older than its server.
    pub offers_reload: bool,
}

impl Words {
    fn new(text: &str) -> Self {
        Self { text: text.to_owned(), offers_reload: false }
    }

    fn outdated() -> Self {
        let text = "There is a newer version of this page. Load it again to go on.".to_owned();
        Self { text, offers_reload: true }
    }

    /// Of a call that failed.
    #[must_use]
    pub fn of_call(error: &RemoteError) -> Self {
        if error.is_outdated() {
            return Self::outdated();
        }
        if let Some(raised) = error.raised_text() {
            return Self::new(&format!("That did not work: {raised}."));
        }
        Self::new(match error.kind() {
            ErrorKind::Disconnected | ErrorKind::NotConnected => "The connection was lost. Please try again.",
            ErrorKind::DeadlineExceeded => "There was no answer in time. Please try again.",
            ErrorKind::Refused(Refusal::Unauthenticated(_) | Refusal::Forbidden(_)) => {
                "You are not allowed to do that."
            }
            ErrorKind::Refused(Refusal::TooFast(_) | Refusal::Overloaded(_) | Refusal::Full(_)) => {
                "The server is busy. Please try again later."
            }
            ErrorKind::Refused(Refusal::GoingAway) => "The server is being restarted. Please try again soon.",
            ErrorKind::TooLarge { .. } => "That is too large.",
            _ => "That did not work. Please try again.",
        })
    }

    /// The message for a connection that failed, if trying again does not help.
    #[must_use]
    pub fn of_connection(error: &ConnectError) -> Self {
        if error.is_outdated() {
            Self::outdated()
        } else {
            Self::new("This page cannot connect to its server.")
        }
    }
}

impl fmt::Display for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use distributed_scope::Ran;

    use super::*;

    /// A page that was left open over a new version says to load it again, and does not mention
    /// programs and sources.
    #[test]
    fn old_page_offers_reload() {
        let error = RemoteError::refused(Refusal::UnknownBlock { elsewhere: None });
        assert!(error.is_outdated());
        let words = Words::of_call(&error);
        assert!(words.offers_reload, "{words}");
        let outdated = ConnectError::Outdated { url: "ws://localhost/scope".to_owned(), ours: 1, theirs: 2 };
        assert!(Words::of_connection(&outdated).offers_reload);
    }

    #[test]
    fn no_developers_words_are_shown() {
        let kinds = [
            ErrorKind::Panicked,
            ErrorKind::Disconnected,
            ErrorKind::NotConnected,
            ErrorKind::DeadlineExceeded,
            ErrorKind::NoPeer,
            ErrorKind::Refused(Refusal::UnknownBlock {
                elsewhere: Some("demo_browser::board::edit#0".to_owned()),
            }),
            ErrorKind::Refused(Refusal::NotExposed),
            ErrorKind::Refused(Refusal::DecodeCaptures("invalid type: map".to_owned())),
            ErrorKind::Refused(Refusal::TooFast(1)),
            ErrorKind::Refused(Refusal::GoingAway),
        ];
        let url = "ws://localhost/scope".to_owned();
        let connections = [
            Words::of_connection(&ConnectError::Outdated { url: url.clone(), ours: 1, theirs: 2 }),
            Words::of_connection(&ConnectError::Closed { url }),
        ];
        let calls = kinds.map(|kind| Words::of_call(&RemoteError::new(kind, Ran::Never)));
        for Words { text, .. } in calls.into_iter().chain(connections) {
            for word in
                ["block", "peer", "source", "program", "built", "::", "ws:", "capture", "Limits", "decode"]
            {
                assert!(!text.contains(word), "{text}");
            }
        }
    }
}
