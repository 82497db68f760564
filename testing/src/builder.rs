//! `Builder`: the options of a peer of a network.

use std::fmt;
use std::sync::Arc;

use distributed_scope_core::peer::Parts;
use distributed_scope_core::{Identity, Principal};

use crate::Peer;
use crate::world::{Node, World};

/// The options of a peer, created by [`Net::peer`](crate::Net::peer). Each method sets one option,
/// with the meaning that it has for a peer over sockets. [`start`](Self::start) starts the peer.
///
/// Values that are given as [`data`](Self::data) outlive a [restart](Peer::restart), like a
/// database would.
#[must_use = "a peer begins to live at `start`"]
pub struct Builder {
    world: Arc<World>,
    name: String,
    principal: Option<Principal>,
    parts: Parts,
}

distributed_scope_core::peer_options! {
    Builder,
    fence: "",
    before: "# distributed_scope::testing::Net::run(1, async |net| {",
    builder: "net.peer(\"shop\")",
    after: "# });"
}

impl Builder {
    pub(crate) fn new(world: Arc<World>, name: &str, identity: Identity) -> Self {
        Self { world, name: name.to_owned(), principal: None, parts: Parts::new(identity) }
    }

    /// Another id than that of the name, or a [key pair](distributed_scope_core::KeyPair), which
    /// proves the id.
    pub fn identity(mut self, identity: impl Into<Identity>) -> Self {
        self.parts.identity = identity.into();
        self
    }

    /// The principal that other peers give this one when it connects to them, as if they had
    /// authenticated it.
    ///
    /// Default: none.
    pub fn principal(mut self, principal: Principal) -> Self {
        self.principal = Some(principal);
        self
    }

    /// Starts the peer. It has no connections.
    ///
    /// # Panics
    ///
    /// If the network has a peer with the same id, or two blocks of this program have the same id.
    #[must_use]
    pub fn start(self) -> Peer {
        let Self { world, name, principal, parts } = self;
        let number = world.add(Node { name, principal, parts, running: None });
        let peer = Peer::new(world, number);
        peer.start();
        peer
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").field("name", &self.name).finish_non_exhaustive()
    }
}
