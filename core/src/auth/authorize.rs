//! Authorization by the program: which blocks run for which caller.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use super::{Denied, Principal};
use crate::block::Block;
use crate::error::Refusal;
use crate::identity::peer_id::PeerId;

/// An incoming call that [`Authorize`] decides on. Its captures are not decoded yet.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Attempt {
    /// The block. This peer has it and exposes it, and the caller meets its requirement.
    pub block: &'static Block,
    /// The calling peer.
    pub caller: PeerId,
    /// The principal of the caller, as far as it was authenticated.
    pub principal: Option<Principal>,
}

/// The future of [`Authorize`]. It runs on the thread of the session, so it need not be `Send`.
pub type Verdict = Pin<Box<dyn Future<Output = Result<(), Denied>>>>;

/// Decides on each call of another peer before anything of it is decoded. An async closure
/// implements it: `|attempt: Attempt| async move { .. }`.
///
/// Its time counts against the call's deadline. It is dropped when the call is dropped. If it
/// panics, the call is refused.
pub trait Authorize: Send + Sync + 'static {
    /// Whether this block may run for this caller.
    fn authorize(&self, attempt: Attempt) -> Verdict;
}

impl<F, Fut> Authorize for F
where
    F: Fn(Attempt) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<(), Denied>> + 'static,
{
    fn authorize(&self, attempt: Attempt) -> Verdict {
        Box::pin(self(attempt))
    }
}

impl fmt::Debug for dyn Authorize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Authorize")
    }
}

impl From<Denied> for Refusal {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::Unauthenticated(reason) => Self::Unauthenticated(reason),
            Denied::Forbidden(reason) => Self::Forbidden(reason),
            Denied::Unavailable(_) => Self::Forbidden(denied.to_string()),
        }
    }
}
