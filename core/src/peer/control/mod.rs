//! The control plane: which peers may join, which session reaches a peer, and which calls wait for
//! a peer.

pub(crate) mod differences;
pub(crate) mod presence;
pub(crate) mod roster;
pub(crate) mod routes;
pub(crate) mod sessions;
pub(crate) mod skew;
pub(crate) mod waiting;
