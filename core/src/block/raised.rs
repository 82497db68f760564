//! What `?` makes of an error inside a block.

use std::error::Error;
use std::fmt;

use crate::expansion::travels::Raises;

/// An error on its way out of a block: whatever can become a `Box<dyn Error + Send + Sync>`, with
/// its causes.
///
/// `?` in a block converts into it, so a block may raise any standard error, a `&str` or `String`,
/// an `anyhow::Error`, or the [`RemoteError`](crate::RemoteError) of a nested call. It is not an
/// `Error` itself: that is what makes the conversion from every error possible.
pub struct Raised(Box<dyn Error + Send + Sync + 'static>);

impl Raised {
    pub(crate) fn into_inner(self) -> Box<dyn Error + Send + Sync + 'static> {
        self.0
    }
}

impl<E: Raises> From<E> for Raised {
    fn from(error: E) -> Self {
        Self(error.into_boxed())
    }
}

impl fmt::Debug for Raised {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
