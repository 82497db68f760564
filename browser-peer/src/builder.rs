//! `Builder`: the options of a peer, set before it starts.

use std::fmt;
use std::sync::{Arc, Weak};

use distributed_scope_core::peer::{Parts, StartError};
use distributed_scope_core::{
    Authorize, Blocks, Disclosure, Identity, Limits, Observer, PeerId, ServedObserver,
};
use futures_channel::mpsc;
use wasm_bindgen_futures::spawn_local;

use crate::platform::{Browser, Shared};
use crate::{Peer, caretaker, control, ending};

/// The options of a peer, created by [`Peer::builder`].
///
/// Each method sets one option. [`start`](Self::start) creates the peer.
#[must_use = "a peer begins to live at `start`"]
pub struct Builder(Parts);

impl Builder {
    pub(crate) fn new(identity: Identity) -> Self {
        Self(Parts::new(identity))
    }

    /// The blocks that the peer runs for other peers. Several calls add up.
    ///
    /// Default: none. A block that is compiled into a program is not exposed by that alone.
    pub fn expose(mut self, blocks: Blocks) -> Self {
        self.0.blocks = self.0.blocks.and(blocks);
        self
    }

    /// A value that the blocks of the peer get with
    /// [`here::data`](distributed_scope_core::here::data). The peer keeps one value of each type.
    /// A second value of the same type replaces the first.
    ///
    /// The value must be `Send`, as in an Actix peer. Values of the page (`web_sys::Element` and
    /// the like) are not `Send`: keep them in a `thread_local!`. The blocks of a page can access
    /// it, because they run on the only thread of the page.
    pub fn data<T: Send + Sync + 'static>(self, value: T) -> Self {
        self.shared_data(Arc::new(value))
    }

    /// Like [`data`](Self::data), for a value that the program shares.
    pub fn shared_data<T: Send + Sync + 'static>(mut self, value: Arc<T>) -> Self {
        self.0.data.insert(value);
        self
    }

    /// The limits of the peer, instead of the [defaults](Limits). Each field of [`Limits`]
    /// documents its unit and what happens at the limit.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.0.limits = limits;
        self
    }

    /// An observer of outgoing calls: it receives a
    /// [`CallReport`](distributed_scope_core::CallReport) of every call that this peer made,
    /// after the call ended. A closure is accepted.
    pub fn observe(mut self, observer: impl Observer + 'static) -> Self {
        self.0.observer = Some(Box::new(observer));
        self
    }

    /// An observer of the blocks that this peer runs, for other peers and for itself: it receives
    /// a [`ServedReport`](distributed_scope_core::ServedReport) of each block, after the block
    /// ended or was dropped. A closure is accepted:
    ///
    /// ```ignore
    /// # use distributed_scope_browser_peer::Peer;
    /// # use distributed_scope_core::{PeerId, ServedReport};
    /// let peer = Peer::builder(PeerId::random())
    ///     .observe_served(|run: &ServedReport| println!("{}: {} in {:?}", run.block, run.outcome, run.elapsed))
    ///     .start();
    /// ```
    pub fn observe_served(mut self, observer: impl ServedObserver + 'static) -> Self {
        self.0.served_observer = Some(Box::new(observer));
        self
    }

    /// The authorization of incoming calls: it runs for each call of another peer, before any
    /// part of the call is decoded. At that point, the block is known to be exposed and its own
    /// requirement is met. An async closure is accepted.
    ///
    /// Default: a peer with a session may run every exposed block whose requirement it meets.
    pub fn authorize(mut self, authorize: impl Authorize) -> Self {
        self.0.authorize = Some(Arc::new(authorize));
        self
    }

    /// What the calling peer receives of an error in a block.
    ///
    /// Default: the error with its causes.
    pub fn disclose(mut self, disclosure: Disclosure) -> Self {
        self.0.disclosure = disclosure;
        self
    }

    /// Authenticates these peers by the keys that their ids are derived from: they have a
    /// [principal](distributed_scope_core::Principal) whose subject is their id. Several calls
    /// add up.
    ///
    /// Peers with other keys have no principal. An id that is not [derived from a
    /// key](PeerId::is_of_key) proves nothing: a peer with such an id gets no principal from this
    /// option.
    pub fn trust(mut self, peers: impl IntoIterator<Item = PeerId>) -> Self {
        self.0.trusted.extend(peers);
        self
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
        let shared = Shared::start(self.0, |_: &Weak<Shared>| Browser::new(control))?;
        spawn_local(control::run(Arc::downgrade(&shared), orders));
        spawn_local(caretaker::run(Arc::downgrade(&shared)));
        Ok(Peer::of(shared))
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Builder").field(&self.0).finish()
    }
}
