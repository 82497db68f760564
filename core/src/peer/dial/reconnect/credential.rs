//! Showing something else than before on a link that is connected.

use std::fmt;

use crate::identity::peer_id::PeerId;
use crate::peer::ConnectError;

/// What a peer is known by where it has dialled, from `Peer::reauthenticate` on.
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

    /// No token: to log out, or where something else says who that is, such as a cookie of the
    /// page.
    #[must_use]
    pub fn none() -> Self {
        Self(Shown::Nothing)
    }

    /// What the endpoint shows that the link was made with. One that [asks for
    /// tokens](crate::peer::Endpoint::bearer_from) is asked for a fresh one.
    #[must_use]
    pub fn of_endpoint() -> Self {
        Self(Shown::OfEndpoint)
    }

    /// The token to show instead of the endpoint's, if it is not that.
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

/// Why a session does not go on as somebody else. It goes on as it was.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReauthenticateError {
    /// There is no session with that peer that this one has dialled and that is connected now, or
    /// another `reauthenticate` came in between.
    #[error("cannot reauthenticate at {0}: no connected session that this peer has dialled")]
    NotConnected(PeerId),
    /// That peer has a version of this library that cannot do it.
    #[error(
        "cannot reauthenticate at {0}: its version of distributed-scope does not support it; update it, or open a new session"
    )]
    Unsupported(PeerId),
    /// The connection was lost meanwhile. It may be tried again.
    #[error("cannot reauthenticate: the connection was lost meanwhile")]
    Lost,
    /// The server did not take it, or no connection could be made.
    #[error("cannot reauthenticate; the session goes on as before")]
    Refused(#[source] ConnectError),
}
