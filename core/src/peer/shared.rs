//! What all handles, sessions and blocks of one peer share.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

use futures_channel::oneshot;
use rustc_hash::FxHashSet;

use super::{Notice, Platform, Routes, own};
use crate::block::{BlockId, Fingerprint};
use crate::error::{ErrorKind, Ran, Refusal, RemoteError};
use crate::exposure::Blocks;
use crate::frame::Introduction;
use crate::handshake;
use crate::host::{self, Data, Host, Observer};
use crate::id::PeerId;
use crate::limits::Limits;
use crate::listing::Listing;
use crate::pending::Pending;
use crate::registry::{DuplicateBlock, Entry, Registry};
use crate::request::Request;
use crate::time::Moment;

/// What a peer is made of.
pub struct Parts {
    /// Its id.
    pub id: PeerId,
    /// Its bounds.
    pub limits: Limits,
    /// What its blocks find with [`here::data`](crate::here::data).
    pub data: Data,
    /// Who is told of its calls.
    pub observer: Option<Box<dyn Observer>>,
    /// The blocks that it runs for other peers.
    pub blocks: Blocks,
}

impl Parts {
    /// A peer with this id, the usual bounds, and nothing else.
    #[must_use]
    pub fn new(id: PeerId) -> Self {
        let (limits, data, blocks) = (Limits::default(), Data::default(), Blocks::none());
        Self { id, limits, data, observer: None, blocks }
    }
}

impl fmt::Debug for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, limits, data, observer: _, blocks } = self;
        f.debug_struct("Parts")
            .field("id", id)
            .field("limits", limits)
            .field("data", data)
            .field("blocks", blocks)
            .finish_non_exhaustive()
    }
}

/// A peer, as its handles, its sessions and its running blocks share it. It lives as long as any of them does.
pub struct Shared<P: Platform> {
    platform: P,
    id: PeerId,
    limits: Limits,
    data: Data,
    observer: Option<Box<dyn Observer>>,
    registry: &'static Registry,
    blocks: Blocks,
    exposed: FxHashSet<BlockId>,
    introduction: Introduction,
    is_stopping: AtomicBool,
    routes: Routes<P>,
}

impl<P: Platform> Shared<P> {
    /// Starts a peer. `platform` gets what its control plane needs: a handle that does not keep the peer alive, and that
    /// leads to it as soon as this has returned.
    ///
    /// # Errors
    ///
    /// When two blocks of this program have one id.
    pub fn start(parts: Parts, platform: impl FnOnce(&Weak<Self>) -> P) -> Result<Arc<Self>, DuplicateBlock> {
        let Parts { id, limits, data, observer, blocks } = parts;
        let registry = Registry::of_process()?;
        let exposed: FxHashSet<_> = registry
            .blocks()
            .into_iter()
            .filter(|block| blocks.contains(block))
            .map(|block| block.id)
            .collect();
        tracing::info!(peer = %id, blocks = registry.blocks().len(), exposed = exposed.len(), "peer started");
        let introduction = handshake::introduction(id, &limits, registry.digest());
        let shared = Arc::new_cyclic(|weak| Self {
            platform: platform(weak),
            id,
            limits,
            data,
            observer,
            registry,
            blocks,
            exposed,
            introduction,
            is_stopping: AtomicBool::new(false),
            routes: Routes::default(),
        });
        let weak = Arc::downgrade(&shared);
        host::announce(weak);
        Ok(shared)
    }

    /// The world it lives in.
    pub fn platform(&self) -> &P {
        &self.platform
    }

    /// Its id.
    pub fn id(&self) -> PeerId {
        self.id
    }

    /// Its bounds.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// How it introduces itself to other peers.
    pub fn introduction(&self) -> &Introduction {
        &self.introduction
    }

    /// Which peers it reaches.
    pub fn routes(&self) -> &Routes<P> {
        &self.routes
    }

    /// The blocks of this program, with what this peer exposes.
    pub fn list(&self) -> Listing {
        self.registry.list(&self.blocks)
    }

    /// Whether it was told to stop.
    pub fn is_stopping(&self) -> bool {
        self.is_stopping.load(Ordering::Acquire)
    }

    pub(super) fn stop(&self) {
        self.is_stopping.store(true, Ordering::Release);
    }

    pub(super) fn now(&self) -> Moment {
        self.platform.now()
    }

    pub(super) fn registry(&self) -> &'static Registry {
        self.registry
    }

    /// The block that another peer asks for, if it may have it.
    pub(super) fn exposed(&self, id: BlockId, fingerprint: Fingerprint) -> Result<&'static Entry, Refusal> {
        let entry = self.registry.find(id, fingerprint)?;
        if self.exposed.contains(&id) { Ok(entry) } else { Err(Refusal::NotExposed) }
    }
}

impl<P: Platform> Host for Shared<P> {
    fn id(&self) -> PeerId {
        self.id
    }

    fn now(&self) -> Moment {
        self.platform.now()
    }

    fn limits(&self) -> &Limits {
        &self.limits
    }

    fn data(&self) -> &Data {
        &self.data
    }

    fn start(self: Arc<Self>, request: &mut Request) -> Pending {
        if request.to == self.id {
            return own::run(&self, request);
        }
        if let Some(link) = self.routes.find(request.to) {
            match link.call(request) {
                Ok(pending) => return pending,
                // The session ended between the two lines, or is not quite open; one that is may come.
                Err(error) if matches!(error.kind(), ErrorKind::Disconnected | ErrorKind::NotConnected) => {}
                Err(error) => return Pending::ended(Err(error)),
            }
        }
        let (joined, is_joined) = oneshot::channel();
        self.platform.tell(Notice::Wanted { peer: request.to, deadline: request.deadline, joined });
        let mut request = request.clone();
        Pending::Waiting(Box::pin(async move {
            match is_joined.await {
                Ok(()) => self.start(&mut request).await,
                Err(oneshot::Canceled) => Err(RemoteError::new(ErrorKind::NotConnected, Ran::Never)),
            }
        }))
    }

    fn spawn(&self, task: Pin<Box<dyn Future<Output = ()> + Send>>) {
        self.platform.spawn(task);
    }

    fn observer(&self) -> Option<&dyn Observer> {
        self.observer.as_deref()
    }
}

impl<P: Platform> fmt::Debug for Shared<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("id", &self.id).field("routes", &self.routes).finish_non_exhaustive()
    }
}
