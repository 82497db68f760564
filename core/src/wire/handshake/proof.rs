//! What both sides of a handshake prove, and that it counts for this handshake alone.
//!
//! A transcript is a hash of all that was said: the acceptor's random challenge, the dialler's
//! hello with random bytes of its own, and for the acceptor's proofs the welcome, too. What is
//! signed under one transcript is worth nothing in another handshake.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest, Sha256};

use crate::identity::key_pair::{self, KeyPair};
use crate::identity::peer_id::PeerId;
use crate::wire::frame::{Challenge, Hello, KeyProof, Mac, Reject, SessionEnd, SessionId, Token, Welcome};

/// The proof that a peer, and nothing between the two, has ended this session for this reason. A
/// session ends once, so it needs no nonce.
pub(crate) fn end_of(session: SessionId, token: &Token, reason: &str) -> Mac {
    Mac(end_hmac(session, token, reason).finalize().into_bytes().into())
}

/// Whether this has [that proof](end_of).
pub(crate) fn is_end_of(session: SessionId, token: &Token, end: &SessionEnd) -> bool {
    end_hmac(session, token, &end.reason).verify_slice(&end.mac.0).is_ok()
}

fn end_hmac(session: SessionId, token: &Token, reason: &str) -> Hmac<Sha256> {
    let label = b"distributed-scope: the end of a session, 1";
    keyed(token).chain_update(label).chain_update(session.0).chain_update(reason)
}

fn keyed(token: &Token) -> Hmac<Sha256> {
    Hmac::<Sha256>::new_from_slice(&token.0).expect("HMAC takes keys of any length")
}

/// What was said so far, in 32 bytes.
#[derive(Clone, Debug)]
pub(super) struct Transcript([u8; 32]);

impl Transcript {
    /// Up to the hello: what the dialler proves.
    pub(super) fn of_hello(challenge: &Challenge, hello: &Hello) -> Self {
        let hash = Sha256::new()
            .chain_update(b"distributed-scope: the dialler, 1")
            .chain_update(challenge.nonce)
            .chain_update(hello.claims());
        Self(hash.finalize().into())
    }

    /// Up to the welcome: what the acceptor proves.
    pub(super) fn with_welcome(&self, welcome: &Welcome) -> Self {
        let hash = Sha256::new()
            .chain_update(b"distributed-scope: the acceptor, 1")
            .chain_update(self.0)
            .chain_update(welcome.claims());
        Self(hash.finalize().into())
    }

    /// The proof of who has a session's token. The token itself does not travel again.
    pub(super) fn mac(&self, token: &Token) -> Mac {
        Mac(self.hmac(token).finalize().into_bytes().into())
    }

    pub(super) fn is_mac(&self, token: &Token, mac: &Mac) -> bool {
        // Takes the same time wherever the two differ.
        self.hmac(token).verify_slice(&mac.0).is_ok()
    }

    fn hmac(&self, token: &Token) -> Hmac<Sha256> {
        keyed(token).chain_update(self.0)
    }

    /// The proof of who has a key.
    pub(super) fn sign(&self, key: &KeyPair) -> [u8; 64] {
        key.sign(&self.0)
    }

    /// Whether a peer has proved its id, if it is one that has to be proved. A key with an id that
    /// is not made of it proves nothing and is not taken either.
    pub(super) fn check_id(&self, peer: PeerId, proof: Option<&KeyProof>) -> Result<(), Reject> {
        match proof {
            Some(KeyProof { key, signature }) => key_pair::check(peer, key, &self.0, signature),
            None if peer.is_of_key() => Err(Reject::BadKey),
            None => Ok(()),
        }
    }
}
