//! `Builder`: what a peer can be given before it starts.

use std::fmt;
use std::sync::{Arc, Weak};

use distributed_scope_core::peer::{Parts, StartError};
use distributed_scope_core::{Authorize, Blocks, Disclosure, Identity, Limits, Observer, PeerId};
use futures_channel::mpsc;
use wasm_bindgen_futures::spawn_local;

use crate::platform::{Browser, Shared};
use crate::{Peer, caretaker, control, ending};

/// Begun by [`Peer::builder`].
#[must_use = "a peer begins to live at `start`"]
pub struct Builder(Parts);

impl Builder {
    pub(crate) fn new(identity: Identity) -> Self {
        Self(Parts::new(identity))
    }

    /// Which blocks it runs for other peers. Without this, none: a block that is compiled into a
    /// program is not thereby open to everybody whom it connects to. Several calls add up.
    pub fn expose(mut self, blocks: Blocks) -> Self {
        self.0.blocks = self.0.blocks.and(blocks);
        self
    }

    /// A value that its blocks find with [`here::data`](distributed_scope_core::here::data), one
    /// of each type.
    ///
    /// It must be `Send`, as everywhere, which what belongs to the page (`web_sys::Element` and
    /// the like) is not: keep that in a `thread_local!`, which the blocks of a page reach as
    /// well, because they run on its only thread.
    pub fn data<T: Send + Sync + 'static>(self, value: T) -> Self {
        self.shared_data(Arc::new(value))
    }

    /// The same, for a value that the program shares.
    pub fn shared_data<T: Send + Sync + 'static>(mut self, value: Arc<T>) -> Self {
        self.0.data.insert(value);
        self
    }

    /// Its bounds, instead of the defaults.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.0.limits = limits;
        self
    }

    /// Is told of every call that this peer made, after it ended. A closure will do.
    pub fn observe(mut self, observer: impl Observer + 'static) -> Self {
        self.0.observer = Some(Box::new(observer));
        self
    }

    /// Decides on each call of another peer before anything of it is decoded, after the block was
    /// found to be exposed and its own requirement to be met. An async closure is one. Without
    /// it, whoever has a session may have every exposed block run that does not require more.
    pub fn authorize(mut self, authorize: impl Authorize) -> Self {
        self.0.authorize = Some(Arc::new(authorize));
        self
    }

    /// What of an error in a block goes to the peer that called it. Without this, the error with
    /// its causes.
    pub fn disclose(mut self, disclosure: Disclosure) -> Self {
        self.0.disclosure = disclosure;
        self
    }

    /// Knows these peers by the keys that their ids are made of: they are
    /// [principals](distributed_scope_core::Principal), whose subject is their id.
    pub fn trust(mut self, peers: impl IntoIterator<Item = PeerId>) -> Self {
        self.0.trusted.extend(peers);
        self
    }

    /// Starts the peer. From now on a panic anywhere in the program is written to the console, and
    /// closes the peer's connections, because after it nothing of the program runs any more.
    ///
    /// No code of the types that travel runs here. When the peer connects, `Deserialize` of the
    /// types of all blocks is called with made-up values, once in a page, to see what they
    /// consist of and which codec carries them. In a page a panic ends the program, so none of
    /// them may panic on a value that it does not expect; it should return an error.
    ///
    /// # Panics
    ///
    /// When two blocks of this program have one id, with both places named, because a call could
    /// run either. [`try_start`](Self::try_start) returns this as an error.
    #[must_use]
    pub fn start(self) -> Peer {
        self.try_start().unwrap_or_else(|error| panic!("{error}"))
    }

    /// Starts the peer.
    ///
    /// # Errors
    ///
    /// When two blocks of this program have one id.
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
