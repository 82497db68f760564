//! Who a peer is.

#[cfg_attr(not(feature = "keys"), path = "no_keys.rs")]
pub(crate) mod key_pair;
pub(crate) mod peer_id;

use crate::identity::key_pair::KeyPair;
use crate::identity::peer_id::PeerId;

/// Who a peer is: a peer id that it claims, or a key pair whose id it proves.
///
/// Made of either by `into()`, so `Peer::builder(PeerId::named("server"))` and
/// `Peer::builder(key_pair)` both do. Without the feature `keys` there are no key pairs.
#[derive(Clone, Debug)]
pub enum Identity {
    /// An id that nothing proves by itself.
    Claimed(PeerId),
    /// The id of this key pair.
    Key(KeyPair),
}

impl Identity {
    /// The peer id.
    #[must_use]
    pub fn peer_id(&self) -> PeerId {
        match self {
            Self::Claimed(id) => *id,
            Self::Key(key) => key.peer_id(),
        }
    }
}

impl From<PeerId> for Identity {
    fn from(id: PeerId) -> Self {
        Self::Claimed(id)
    }
}

impl From<KeyPair> for Identity {
    fn from(key: KeyPair) -> Self {
        Self::Key(key)
    }
}
