//! The program's own say in which blocks run for whom.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use super::{Denied, Principal};
use crate::block::Block;
use crate::error::Refusal;
use crate::identity::peer_id::PeerId;

/// A call that asks to have a block run: what [`Authorize`] decides on. Its captures are not
/// decoded yet.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Attempt {
    /// The block, which this peer has and exposes, and whose own requirement is met.
    pub block: &'static Block,
    /// The peer that calls.
    pub caller: PeerId,
    /// Who that is, as far as it was proved.
    pub principal: Option<Principal>,
}

/// What [`Authorize`] gives: it runs on the thread of the session, so it need not be `Send`.
pub type Verdict = Pin<Box<dyn Future<Output = Result<(), Denied>>>>;

/// Decides on each call of another peer before anything of it is decoded. An async closure is one:
/// `|attempt: Attempt| async move { .. }`.
///
/// It counts against the call's deadline, is dropped when the call is, and a panic in it refuses
/// the call.
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
