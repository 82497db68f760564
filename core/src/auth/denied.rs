//! That somebody was turned away.

/// What `authenticate` and `authorize` answer to somebody who may not come in, or may not have a
/// block run.
///
/// Its text goes to the one who was turned away and into the log of the peer that did it: say what
/// to do, and leave tokens and claims out of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Denied {
    /// It is not known who that is: HTTP 401, or
    /// [`Refusal::Unauthenticated`](crate::Refusal::Unauthenticated).
    #[error("not authenticated: {0}")]
    Unauthenticated(String),
    /// It is known, and may not: HTTP 403, or [`Refusal::Forbidden`](crate::Refusal::Forbidden).
    #[error("forbidden: {0}")]
    Forbidden(String),
    /// It cannot be found out at present: HTTP 503, or
    /// [`Refusal::Forbidden`](crate::Refusal::Forbidden).
    #[error("cannot be decided at present: {0}")]
    Unavailable(String),
}

impl Denied {
    /// It is not known who that is, because of this.
    #[must_use]
    pub fn unauthenticated(reason: impl Into<String>) -> Self {
        Self::Unauthenticated(reason.into())
    }

    /// It is known, and may not, because of this.
    #[must_use]
    pub fn forbidden(reason: impl Into<String>) -> Self {
        Self::Forbidden(reason.into())
    }

    /// It cannot be found out at present, because of this.
    #[must_use]
    pub fn unavailable(reason: impl Into<String>) -> Self {
        Self::Unavailable(reason.into())
    }
}
