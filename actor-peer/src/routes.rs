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
    /// The session to this peer that can carry calls now or when its connection is back.
    pub(crate) fn find(&self, peer: PeerId) -> Option<Arc<Link>> {
        self.0.read().get(&peer).cloned()
    }

    /// The session to this peer, unless it is over.
    pub(crate) fn session(&self, peer: PeerId) -> Option<Arc<Link>> {
        self.find(peer).filter(|link| link.is_alive())
    }

    /// The peers that are connected, ordered by id.
    pub(crate) fn peers(&self) -> Vec<PeerId> {
        let mut peers: Vec<_> =
            self.0.read().iter().filter(|(_, link)| link.is_attached()).map(|(peer, _)| *peer).collect();
        peers.sort_unstable();
        peers
    }

    /// Adds a session in the place of one that is over.
    pub(crate) fn add(&self, link: Arc<Link>) {
        self.0.write().insert(link.remote(), link);
    }

    /// Removes a session, unless another one has taken its place.
    pub(crate) fn remove(&self, link: &Arc<Link>) {
        let mut routes = self.0.write();
        if routes.get(&link.remote()).is_some_and(|other| Arc::ptr_eq(other, link)) {
            routes.remove(&link.remote());
        }
    }
}
