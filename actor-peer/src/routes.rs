//! The scope registry: which peers are reachable, and by which session.
//!
//! The peer actor alone writes it; calls read it from any thread without asking the actor.

use std::sync::Arc;

use distributed_scope_core::PeerId;
use parking_lot::RwLock;
use rustc_hash::FxHashMap;

use crate::session::Link;

#[derive(Debug, Default)]
pub(crate) struct Routes(RwLock<FxHashMap<PeerId, Arc<Link>>>);

impl Routes {
    /// The session to this peer, if one is open.
    pub(crate) fn find(&self, peer: PeerId) -> Option<Arc<Link>> {
        self.0.read().get(&peer).filter(|link| link.is_open()).cloned()
    }

    /// The peers that are reachable, ordered by id.
    pub(crate) fn peers(&self) -> Vec<PeerId> {
        let mut peers: Vec<_> =
            self.0.read().iter().filter(|(_, link)| link.is_open()).map(|(peer, _)| *peer).collect();
        peers.sort_unstable();
        peers
    }

    pub(crate) fn links(&self) -> Vec<Arc<Link>> {
        self.0.read().values().cloned().collect()
    }

    /// Adds a session, unless a live one has the same peer: a live peer id cannot be taken over.
    pub(crate) fn add(&self, peer: PeerId, link: Arc<Link>) -> bool {
        let mut routes = self.0.write();
        if routes.get(&peer).is_some_and(|other| !other.is_gone()) {
            return false;
        }
        routes.insert(peer, link);
        true
    }

    /// Removes a session, unless another one has taken its place.
    pub(crate) fn remove(&self, peer: PeerId, link: &Arc<Link>) -> bool {
        let mut routes = self.0.write();
        let is_same = routes.get(&peer).is_some_and(|other| Arc::ptr_eq(other, link));
        if is_same {
            routes.remove(&peer);
        }
        is_same
    }
}
