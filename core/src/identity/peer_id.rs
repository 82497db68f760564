//! Who a peer is on the network.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Names a peer. 16 bytes, cheap to copy, and an ordinary value that may be captured by a block.
///
/// An id is a name, not a proof. One that proves itself is made of a key: see
/// [`KeyPair`](crate::KeyPair).
///
/// ```
/// use distributed_scope_core::PeerId;
///
/// // The same name is the same peer in every build, on every machine.
/// assert_eq!(PeerId::named("server"), PeerId::named("server"));
/// assert_ne!(PeerId::random(), PeerId::random());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PeerId(Uuid);

impl PeerId {
    /// The UUID namespace of [`PeerId::named`]; never changes, or named peers of two builds would
    /// not meet.
    const NAMESPACE: Uuid = Uuid::from_u128(0x6d1f_9a52_84c3_4e0b_9d0e_5a4f_3c27_b811);

    /// The peer with this name: a UUID of version 5, the same in every build.
    #[must_use]
    pub fn named(name: &str) -> Self {
        Self(Uuid::new_v5(&Self::NAMESPACE, name.as_bytes()))
    }

    /// A unique peer id: a random UUID of version 4.
    #[must_use]
    pub fn random() -> Self {
        Self(Uuid::new_v4())
    }

    /// The id that is made of a public key: a UUID of version 8.
    #[cfg(any(feature = "keys", test))]
    pub(crate) fn of_hash(hash: [u8; 16]) -> Self {
        Self(uuid::Builder::from_custom_bytes(hash).into_uuid())
    }

    /// Whether the id is made of a public key, so that only who has the private one can have a
    /// session under it. See [`KeyPair`](crate::KeyPair).
    #[must_use]
    pub fn is_of_key(&self) -> bool {
        self.0.get_version_num() == 8
    }

    /// Whether the id was drawn at random (a UUID of version 4), so that it is not
    /// assigned by agreement.
    #[must_use]
    pub fn is_random(&self) -> bool {
        self.0.get_version_num() == 4
    }

    /// The id as a UUID, for instance to store it.
    #[must_use]
    pub fn as_uuid(&self) -> &Uuid {
        &self.0
    }
}

impl From<Uuid> for PeerId {
    fn from(uuid: Uuid) -> Self {
        Self(uuid)
    }
}

impl From<PeerId> for Uuid {
    fn from(id: PeerId) -> Self {
        id.0
    }
}

impl std::str::FromStr for PeerId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

impl fmt::Display for PeerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for PeerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PeerId({})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_named_peer_keeps_its_id_between_builds() {
        // Written down once: were it to change, a new server and an old client would no longer
        // find each
        // other.
        assert_eq!(PeerId::named("server").to_string(), "3fb74d4c-8a30-50e8-8b65-35dc0bbc8b6a");
    }

    #[test]
    fn an_id_survives_its_own_text() {
        let id = PeerId::random();
        assert_eq!(id.to_string().parse::<PeerId>().unwrap(), id);
    }
}
