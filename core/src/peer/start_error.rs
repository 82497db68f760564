//! The errors of starting a peer.

use crate::registry::duplicate::DuplicateBlock;

/// Why a peer did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// There is no actix runtime on this thread. A browser needs no such runtime.
    #[error(
        "a peer was started outside of an actix runtime: put `#[actix_web::main]` on `main` (or `#[actix::main]`, or use `actix::System`)"
    )]
    NoRuntime,
    /// Two blocks have the same id.
    #[error(transparent)]
    DuplicateBlock(#[from] DuplicateBlock),
}
