//! The authenticated user of a session.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use crate::identity::peer_id::PeerId;

/// The authenticated user at the other end of a session: a subject, its claims, and how it was
/// proved.
///
/// It belongs to the session and is never sent in a frame, so a caller cannot choose its own. A
/// block gets that of its caller from [`here::principal`](crate::call::here::principal). Cloning
/// it is cheap.
/// `Debug` shows how it was proved and nothing else, so that it does not leak into logs.
///
/// ```
/// use distributed_scope_core::{Principal, Proof};
///
/// let alice = Principal::new("alice", Proof::Token).claim("role", "editor").claim("role", "admin");
/// assert_eq!(alice.subject(), "alice");
/// assert!(alice.has("role", "admin"));
/// assert!(!alice.has("role", "owner"));
/// ```
#[derive(Clone)]
pub struct Principal(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    subject: String,
    issuer: Option<String>,
    claims: BTreeMap<String, Vec<String>>,
    expires: Option<SystemTime>,
    peer: Option<PeerId>,
    proof: Proof,
}

/// How a [`Principal`] was proved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Proof {
    /// By the private key of its peer id, which this peer trusts.
    Key,
    /// By a token.
    Token,
    /// By a client certificate in the TLS handshake.
    Certificate,
    /// By the program's own `authenticate`.
    Other,
}

impl Principal {
    /// Creates a principal with this name and proof. It has no claims and does not expire.
    #[must_use]
    pub fn new(subject: impl Into<String>, proof: Proof) -> Self {
        Self(Arc::new(Inner {
            subject: subject.into(),
            issuer: None,
            claims: BTreeMap::new(),
            expires: None,
            peer: None,
            proof,
        }))
    }

    /// Sets the issuer. Two principals with one subject and different issuers are different.
    #[must_use]
    pub fn issued_by(self, issuer: impl Into<String>) -> Self {
        self.with(|inner| inner.issuer = Some(issuer.into()))
    }

    /// Adds a value to a claim; a claim may have several.
    #[must_use]
    pub fn claim(self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.with(|inner| inner.claims.entry(name.into()).or_default().push(value.into()))
    }

    /// Sets the expiry. A connection on which it was proved is closed then. Its peer may reconnect
    /// with a newer proof and resume its session.
    #[must_use]
    pub fn expires_at(self, moment: SystemTime) -> Self {
        self.with(|inner| inner.expires = Some(moment))
    }

    /// Binds it to a peer id. Its session can only have this id, and the binding proves the id.
    #[must_use]
    pub fn bound_to(self, peer: PeerId) -> Self {
        self.with(|inner| inner.peer = Some(peer))
    }

    fn with(mut self, change: impl FnOnce(&mut Inner)) -> Self {
        change(Arc::make_mut(&mut self.0));
        self
    }

    /// Its name.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.0.subject
    }

    /// The issuer, if it was set.
    #[must_use]
    pub fn issuer(&self) -> Option<&str> {
        self.0.issuer.as_deref()
    }

    /// The values of a claim, in the order in which they were given; none if there is no such
    /// claim.
    #[must_use]
    pub fn values(&self, name: &str) -> &[String] {
        self.0.claims.get(name).map_or(&[], Vec::as_slice)
    }

    /// Whether a claim has this value among its values.
    #[must_use]
    pub fn has(&self, name: &str, value: &str) -> bool {
        self.values(name).iter().any(|have| have == value)
    }

    /// The expiry; `None` when it does not expire.
    #[must_use]
    pub fn expires(&self) -> Option<SystemTime> {
        self.0.expires
    }

    /// The peer id that it is bound to.
    #[must_use]
    pub fn peer(&self) -> Option<PeerId> {
        self.0.peer
    }

    /// How it was proved.
    #[must_use]
    pub fn proof(&self) -> Proof {
        self.0.proof
    }

    /// Whether both are the same user: one subject of one issuer, proved in the same way.
    /// Claims and expiry may differ, as they do between a token and the next one.
    #[must_use]
    pub fn is_same_as(&self, other: &Self) -> bool {
        let key = |inner: &Inner| (inner.proof, inner.issuer.clone(), inner.subject.clone());
        Arc::ptr_eq(&self.0, &other.0) || key(&self.0) == key(&other.0)
    }
}

impl fmt::Debug for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Principal").field("proof", &self.0.proof).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newer_token_of_the_same_subject_is_the_same_principal() {
        let old = Principal::new("alice", Proof::Token).issued_by("here").claim("role", "editor");
        let new = Principal::new("alice", Proof::Token).issued_by("here").expires_at(SystemTime::UNIX_EPOCH);
        assert!(old.is_same_as(&new));
        assert!(!old.is_same_as(&Principal::new("alice", Proof::Token).issued_by("there")));
        assert!(!old.is_same_as(&Principal::new("alice", Proof::Certificate).issued_by("here")));
        assert!(!old.is_same_as(&Principal::new("bob", Proof::Token).issued_by("here")));
    }

    #[test]
    fn nothing_that_is_said_of_a_principal_is_printed_for_debugging() {
        let principal = Principal::new("SUBJECT", Proof::Token).issued_by("ISSUER").claim("NAME", "VALUE");
        let text = format!("{principal:?}");
        for secret in ["SUBJECT", "ISSUER", "NAME", "VALUE"] {
            assert!(!text.contains(secret), "{text}");
        }
    }
}
