//! `Builder`: the options of a peer, set before it starts.

use std::fmt;
use std::sync::{Arc, Weak};

use distributed_scope_core::Identity;
use distributed_scope_core::peer::{Parts, StartError};
use futures_channel::mpsc;
use wasm_bindgen_futures::spawn_local;

use crate::platform::{Browser, Shared};
use crate::{Peer, caretaker, control, ending};

/// The options of a peer, created by [`Peer::builder`].
///
/// Each method sets one option. [`start`](Self::start) creates the peer.
#[must_use = "a peer begins to live at `start`"]
pub struct Builder {
    parts: Parts,
}

distributed_scope_core::peer_options! {
    Builder,
    fence: "ignore",
    before: "# use distributed_scope_browser_peer::Peer;\n# use distributed_scope_core::PeerId;",
    builder: "Peer::builder(PeerId::random())",
    after: ""
}

impl Builder {
    pub(crate) fn new(identity: Identity) -> Self {
        Self { parts: Parts::new(identity) }
    }

    /// Starts the peer. From now on, a panic anywhere in the program is written to the console
    /// and closes the connections of the peer, because no code of the program runs after a panic.
    ///
    /// Starting the peer does not run code of the types in captures and results. When the peer
    /// first connects, `Deserialize` of the types of all blocks is called with made-up values,
    /// once per page. This determines the structure of each type and the codec that carries it. A
    /// panic ends the program in a page, so an implementation must not panic on an unexpected
    /// value. It should return an error.
    ///
    /// # Panics
    ///
    /// If two blocks of this program have the same id, because a call could run either; the
    /// message names both source locations. [`try_start`](Self::try_start) returns this as an
    /// error.
    #[must_use]
    pub fn start(self) -> Peer {
        self.try_start().unwrap_or_else(|error| panic!("{error}"))
    }

    /// Starts the peer.
    ///
    /// # Errors
    ///
    /// If two blocks of this program have the same id.
    pub fn try_start(self) -> Result<Peer, StartError> {
        ending::install();
        let (control, orders) = mpsc::unbounded();
        let shared = Shared::start(self.parts, |_: &Weak<Shared>| Browser::new(control))?;
        spawn_local(control::run(Arc::downgrade(&shared), orders));
        spawn_local(caretaker::run(Arc::downgrade(&shared)));
        Ok(Peer::of(shared))
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Builder").field(&self.parts).finish()
    }
}
