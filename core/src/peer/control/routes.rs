//! Which peers are reachable, and over which session.
//!
//! Only the roster writes it. Calls read it from any thread without asking the control plane.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use crate::identity::peer_id::PeerId;
use crate::peer::{Link, Platform};
use crate::util::keyed_hash::Keyed;
use crate::util::lock::RwLock;
use crate::util::sorted;

/// The sessions of a peer that can carry calls.
pub struct Routes<P: Platform>(RwLock<HashMap<PeerId, Arc<Link<P>>, Keyed>>);

impl<P: Platform> Default for Routes<P> {
    fn default() -> Self {
        Self(RwLock::default())
    }
}

impl<P: Platform> Routes<P> {
    pub(in crate::peer) fn find(&self, peer: PeerId) -> Option<Arc<Link<P>>> {
        self.0.read().get(&peer).cloned()
    }

    /// The session to this peer that can carry calls now or after a reconnect.
    #[must_use]
    pub fn session(&self, peer: PeerId) -> Option<Arc<Link<P>>> {
        self.find(peer).filter(|link| link.is_alive())
    }

    /// All sessions that can carry calls now or after a reconnect.
    #[must_use]
    pub fn sessions(&self) -> Vec<Arc<Link<P>>> {
        self.0.read().values().filter(|link| link.is_alive()).cloned().collect()
    }

    /// The peers that are connected, ordered by id.
    #[must_use]
    pub fn peers(&self) -> Vec<PeerId> {
        let mut peers: Vec<_> =
            self.0.read().iter().filter(|(_, link)| link.is_connected()).map(|(peer, _)| *peer).collect();
        sorted::by_key(&mut peers, |peer| *peer);
        peers
    }

    /// Adds a session, and replaces one that is over.
    pub(in crate::peer) fn add(&self, link: Arc<Link<P>>) {
        self.0.write().insert(link.remote(), link);
    }

    /// Removes a session, unless another one has replaced it.
    pub(in crate::peer) fn remove(&self, link: &Arc<Link<P>>) {
        let mut routes = self.0.write();
        if routes.get(&link.remote()).is_some_and(|other| Arc::ptr_eq(other, link)) {
            routes.remove(&link.remote());
        }
    }
}

impl<P: Platform> fmt::Debug for Routes<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Routes").field(&self.peers()).finish()
    }
}
