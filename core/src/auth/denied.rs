//! The rejection of a connection or a call.

/// The rejection that `authenticate` returns for a connection, or `authorize` for a call.
///
/// Its text is sent to the rejected peer and logged by the rejecting one. Say what to do, and
/// leave out tokens and claims.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Denied {
    /// The peer is not authenticated: HTTP 401, or
    /// [`Refusal::Unauthenticated`](crate::Refusal::Unauthenticated).
    #[error("not authenticated: {0}")]
    Unauthenticated(String),
    /// The peer is authenticated but not authorized: HTTP 403, or
    /// [`Refusal::Forbidden`](crate::Refusal::Forbidden).
    #[error("forbidden: {0}")]
    Forbidden(String),
    /// The decision cannot be made at present: HTTP 503, or
    /// [`Refusal::Forbidden`](crate::Refusal::Forbidden).
    #[error("cannot be decided at present: {0}")]
    Unavailable(String),
}

impl Denied {
    /// The peer is not authenticated, for this reason.
    #[must_use]
    pub fn unauthenticated(reason: impl Into<String>) -> Self {
        Self::Unauthenticated(reason.into())
    }

    /// The peer is authenticated but not authorized, for this reason.
    #[must_use]
    pub fn forbidden(reason: impl Into<String>) -> Self {
        Self::Forbidden(reason.into())
    }

    /// The decision cannot be made at present, for this reason.
    #[must_use]
    pub fn unavailable(reason: impl Into<String>) -> Self {
        Self::Unavailable(reason.into())
    }
}
