//! The replacement of `key_pair` without the feature `keys`: no peer has a key, and no key can be
//! checked. So a page need not load the arithmetic of a curve.

use std::convert::Infallible;

use crate::identity::peer_id::PeerId;
use crate::wire::frame::Reject;

/// A key pair that cannot be constructed.
#[derive(Clone, Debug)]
pub struct KeyPair(Infallible);

impl KeyPair {
    pub(crate) fn peer_id(&self) -> PeerId {
        match self.0 {}
    }

    pub(crate) fn public(&self) -> [u8; 32] {
        match self.0 {}
    }

    pub(crate) fn sign(&self, _: &[u8]) -> [u8; 64] {
        match self.0 {}
    }
}

/// Refuses, because an id that has to be proved counts for nothing until it is.
pub(crate) fn check(_: PeerId, _: &[u8; 32], _: &[u8], _: &[u8; 64]) -> Result<(), Reject> {
    Err(Reject::NoKeys)
}
