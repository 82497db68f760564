//! Peer ids that prove themselves: each is made of a public key, and the holder of the private
//! key has the id.

use std::fmt;
use std::sync::Arc;

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};

use crate::identity::peer_id::PeerId;
use crate::util::random::random;
use crate::wire::frame::Reject;

/// An Ed25519 key pair. Its peer id is made of the public key, and only who has the private one
/// can have a session under it.
///
/// Clones share the private key, and the last one wipes it. The id looks like any other, but for
/// its UUID version, 8: so a peer knows an id that has to be proved when it sees one.
///
/// ```
/// use distributed_scope_core::KeyPair;
///
/// let key = KeyPair::generate();
/// let again = KeyPair::from_seed(&key.seed()); // 32 bytes to keep in a safe place
/// assert_eq!(again.peer_id(), key.peer_id());
/// assert!(key.peer_id().is_of_key());
/// ```
#[derive(Clone)]
pub struct KeyPair(Arc<SigningKey>);

impl KeyPair {
    /// A new key pair, from the randomness of the operating system or the browser.
    #[must_use]
    pub fn generate() -> Self {
        Self::from_seed(&random())
    }

    /// The key pair that was made with this seed.
    #[must_use]
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(Arc::new(SigningKey::from_bytes(seed)))
    }

    /// What the key pair can be made of again. Its holder can act as this peer: keep it like a
    /// password.
    #[must_use]
    pub fn seed(&self) -> [u8; 32] {
        self.0.to_bytes()
    }

    /// The peer id of this key pair.
    #[must_use]
    pub fn peer_id(&self) -> PeerId {
        peer_id(&self.public())
    }

    pub(crate) fn public(&self) -> [u8; 32] {
        self.0.verifying_key().to_bytes()
    }

    pub(crate) fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
    }
}

impl fmt::Debug for KeyPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyPair({})", self.peer_id())
    }
}

/// 122 bits of the hash: to find another key for the same id takes 2^122 trials.
fn peer_id(public: &[u8; 32]) -> PeerId {
    let hash = Sha256::new().chain_update(b"distributed-scope: a peer id of a key, 1").chain_update(public);
    let hash: [u8; 32] = hash.finalize().into();
    let half = hash.first_chunk().copied().unwrap_or_default();
    PeerId::of_hash(half)
}

/// Whether `public` is the key of `peer`, and `signature` its signature of `message`.
pub(crate) fn check(
    peer: PeerId,
    public: &[u8; 32],
    message: &[u8],
    signature: &[u8; 64],
) -> Result<(), Reject> {
    let is_proved = is_signed_by(peer, public, message, signature);
    if is_proved { Ok(()) } else { Err(Reject::BadKey) }
}

fn is_signed_by(peer: PeerId, public: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> bool {
    // Strict: a weak key, with which one signature fits several messages, is rejected.
    peer_id(public) == peer
        && VerifyingKey::from_bytes(public)
            .is_ok_and(|key| key.verify_strict(message, &Signature::from_bytes(signature)).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_keeps_its_id_between_builds() {
        // Written down once: were it to change, peers would lose their ids.
        assert_eq!(
            KeyPair::from_seed(&[7; 32]).peer_id().to_string(),
            "f71a5252-77ba-86c7-a1e4-5a98bcfbad01"
        );
    }

    #[test]
    fn a_signature_counts_for_its_own_id_key_and_message_alone() {
        let (key, other) = (KeyPair::generate(), KeyPair::generate());
        let (id, public) = (key.peer_id(), key.public());
        let signature = key.sign(b"message");
        assert!(is_signed_by(id, &public, b"message", &signature));
        assert!(!is_signed_by(id, &public, b"another", &signature));
        assert!(!is_signed_by(other.peer_id(), &public, b"message", &signature));
        assert!(!is_signed_by(id, &other.public(), b"message", &signature));
        assert!(!is_signed_by(id, &public, b"message", &other.sign(b"message")));
    }

    #[test]
    fn a_weak_key_signs_nothing() {
        // The neutral element of the curve as a key: without strictness, one signature fits any
        // message.
        let mut public = [0; 32];
        public[0] = 1;
        let mut signature = [0; 64];
        signature[0] = 1;
        assert!(!is_signed_by(peer_id(&public), &public, b"any message", &signature));
    }

    #[test]
    fn only_the_id_of_a_key_looks_like_one() {
        assert!(KeyPair::generate().peer_id().is_of_key());
        assert!(!PeerId::random().is_of_key());
        assert!(!PeerId::named("server").is_of_key());
        let key = KeyPair::generate();
        assert!(!format!("{key:?}").contains(&format!("{:?}", key.seed())));
    }
}
