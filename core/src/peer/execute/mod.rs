//! Runs blocks for other peers, and for the peer itself.

pub(crate) mod detached;
pub(crate) mod local;
pub(crate) mod remote;
pub(crate) mod running;
