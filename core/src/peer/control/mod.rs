//! The control plane: which peers may join, which session reaches a peer, which calls wait for
//! one.

pub(crate) mod differences;
pub(crate) mod roster;
pub(crate) mod routes;
pub(crate) mod sessions;
pub(crate) mod skew;
pub(crate) mod waiting;
