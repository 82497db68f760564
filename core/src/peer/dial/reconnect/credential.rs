//! Changing the credential of a connected link.

use std::fmt;

use crate::identity::peer_id::PeerId;
use crate::peer::ConnectError;

/// The credential that a peer shows where it has dialled, from `Peer::reauthenticate` on.
#[derive(Clone, Default)]
pub struct Credential(Shown);

#[derive(Clone, Default)]
enum Shown {
    #[default]
    OfEndpoint,
    Nothing,
    Token(String),
}

impl Credential {
    /// This token, each time a connection is made.
    #[must_use]
    pub fn token(token: impl Into<String>) -> Self {
        Self(Shown::Token(token.into()))
    }

    /// No token: to log out, or where the identity comes from elsewhere, such as a cookie of the
    /// page.
    #[must_use]
    pub fn none() -> Self {
        Self(Shown::Nothing)
    }

    /// The credential of the endpoint that the link was made with. If the endpoint [asks for
    /// tokens](crate::peer::Endpoint::bearer_from), it is asked for a fresh one.
    #[must_use]
    pub fn of_endpoint() -> Self {
        Self(Shown::OfEndpoint)
    }

    /// The token to send instead of the endpoint's; `None` for the endpoint's own.
    #[doc(hidden)]
    #[must_use]
    pub fn instead(&self) -> Option<Option<&str>> {
        match &self.0 {
            Shown::OfEndpoint => None,
            Shown::Nothing => Some(None),
            Shown::Token(token) => Some(Some(token)),
        }
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.0 {
            Shown::OfEndpoint => "Credential(of the endpoint)",
            Shown::Nothing => "Credential(none)",
            Shown::Token(_) => "Credential(token)",
        })
    }
}

/// Why `Peer::reauthenticate` failed. The session continues with its previous credential.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReauthenticateError {
    /// There is no connected session with that peer that this peer has dialled, or another
    /// `reauthenticate` came in between.
    #[error("cannot reauthenticate at {0}: no connected session that this peer has dialled")]
    NotConnected(PeerId),
    /// The library version of that peer does not support it.
    #[error(
        "cannot reauthenticate at {0}: its version of distributed-scope does not support it; update it, or open a new session"
    )]
    Unsupported(PeerId),
    /// The connection was lost meanwhile. The call may be retried.
    #[error("cannot reauthenticate: the connection was lost meanwhile")]
    Lost,
    /// The server rejected the credential, or no connection could be made.
    #[error("cannot reauthenticate; the session is unchanged")]
    Refused(#[source] ConnectError),
}
