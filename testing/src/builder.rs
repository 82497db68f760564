//! `Builder`: the options of a peer of a network.

use std::fmt;
use std::sync::Arc;

use distributed_scope_core::peer::Parts;
use distributed_scope_core::{Authorize, Blocks, Disclosure, Identity, Limits, PeerId, Principal};

use crate::Peer;
use crate::world::{Node, Setting, World};

/// The options of a peer, created by [`Net::peer`](crate::Net::peer). Each method sets one option, with the meaning
/// that it has for a peer over sockets. [`start`](Self::start) starts the peer.
#[must_use = "a peer begins to live at `start`"]
pub struct Builder {
    world: Arc<World>,
    node: Node,
}

impl Builder {
    pub(crate) fn new(world: Arc<World>, name: &str, identity: Identity) -> Self {
        let node =
            Node { name: name.to_owned(), identity, principal: None, settings: Vec::new(), running: None };
        Self { world, node }
    }

    fn set(mut self, setting: impl Fn(&mut Parts) + Send + Sync + 'static) -> Self {
        let setting: Setting = Arc::new(setting);
        self.node.settings.push(setting);
        self
    }

    /// Another id than that of the name, or a [key pair](distributed_scope_core::KeyPair), which
    /// proves the id.
    pub fn identity(mut self, identity: impl Into<Identity>) -> Self {
        self.node.identity = identity.into();
        self
    }

    /// The principal that other peers give this one when it connects to them, as if they had
    /// authenticated it.
    ///
    /// Default: none.
    pub fn principal(mut self, principal: Principal) -> Self {
        self.node.principal = Some(principal);
        self
    }

    /// The blocks that the peer runs for other peers. Several calls add up.
    ///
    /// Default: none.
    pub fn expose(self, blocks: Blocks) -> Self {
        self.set(move |parts| parts.blocks = std::mem::take(&mut parts.blocks).and(blocks.clone()))
    }

    /// A value that the blocks of the peer get with
    /// [`here::data`](distributed_scope_core::here::data). It outlives a
    /// [restart](Peer::restart), like a database would.
    pub fn data<T: Send + Sync + 'static>(self, value: T) -> Self {
        self.shared_data(Arc::new(value))
    }

    /// The same for a value that the test shares.
    pub fn shared_data<T: Send + Sync + 'static>(self, value: Arc<T>) -> Self {
        self.set(move |parts| parts.data.insert(Arc::clone(&value)))
    }

    /// The limits of the peer, instead of the [defaults](Limits).
    pub fn limits(self, limits: Limits) -> Self {
        self.set(move |parts| parts.limits = limits.clone())
    }

    /// The authorization of incoming calls.
    pub fn authorize(self, authorize: impl Authorize) -> Self {
        let authorize: Arc<dyn Authorize> = Arc::new(authorize);
        self.set(move |parts| parts.authorize = Some(Arc::clone(&authorize)))
    }

    /// What the calling peer receives of an error or a panic in a block.
    pub fn disclose(self, disclosure: Disclosure) -> Self {
        self.set(move |parts| parts.disclosure = disclosure)
    }

    /// Authenticates these peers by the keys that their ids are derived from.
    pub fn trust(self, peers: impl IntoIterator<Item = PeerId>) -> Self {
        let peers: Vec<_> = peers.into_iter().collect();
        self.set(move |parts| parts.trusted.extend(peers.iter().copied()))
    }

    /// Starts the peer. It has no connections.
    ///
    /// # Panics
    ///
    /// If the network has a peer with the same id, or two blocks of this program have the same id.
    #[must_use]
    pub fn start(self) -> Peer {
        let Self { world, node } = self;
        let number = world.add(node);
        let peer = Peer::new(world, number);
        peer.start();
        peer
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").field("name", &self.node.name).finish_non_exhaustive()
    }
}
