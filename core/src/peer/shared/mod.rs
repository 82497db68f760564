//! The state that all handles, sessions and blocks of one peer share.

mod hosting;
mod parts;

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock, Weak};

use futures_channel::oneshot;
use rustc_hash::{FxHashMap, FxHashSet};

pub use self::parts::Parts;
use super::{Changes, Goodbye, Link, Notice, PeersChanged, Platform, Routes, SessionWatch};
use crate::auth::Authorize;
use crate::block::selection::Blocks;
use crate::block::{BlockId, Fingerprint};
use crate::call::here;
use crate::call::host::{self, Data, Host, Observer};
use crate::call::request::Request;
use crate::call::served::ServedObserver;
use crate::error::Refusal;
use crate::error::disclosure::Disclosure;
use crate::identity::Identity;
use crate::identity::peer_id::PeerId;
use crate::limits::Limits;
use crate::limits::account::Account;
use crate::peer::control::skew::Skew;
use crate::peer::control::waiting::{Place, Places as WaitingPlaces};
use crate::peer::dial::reconnect::Places;
use crate::peer::execute::detached::Detached;
use crate::registry::duplicate::DuplicateBlock;
use crate::registry::listing::Listing;
use crate::registry::{Entry, Registry};
use crate::util::flag::Flag;
use crate::util::log_limit::Lines;
use crate::util::time::{Deadline, Moment};
use crate::wire::frame::SessionId;
use crate::wire::handshake::Us;

/// A peer, as its handles, its sessions and its running blocks share it. It lives as long as any
/// of them does. Its sessions end when nothing [keeps](host::Keep) it alive any more.
pub struct Shared<P: Platform> {
    platform: P,
    id: PeerId,
    limits: Arc<Limits>,
    /// The memory that is held for all other peers.
    account: Arc<Account>,
    data: Data,
    observer: Option<Arc<dyn Observer>>,
    served_observer: Option<Arc<dyn ServedObserver>>,
    registry: &'static Registry,
    blocks: Blocks,
    /// The blocks of the program that other peers may call.
    exposed: FxHashMap<BlockId, &'static Entry>,
    identity: Identity,
    /// Created when the first connection begins: it lists the versions of the blocks, and only
    /// their types give those.
    us: OnceLock<Us>,
    trusted: FxHashSet<PeerId>,
    allow_first_come: bool,
    authorize: Option<Arc<dyn Authorize>>,
    disclosure: Disclosure,
    is_stopping: AtomicBool,
    draining: Flag,
    routes: Routes<P>,
    detached: Detached<P>,
    places: Places,
    lines: Lines,
    waiting: WaitingPlaces,
    /// The number of handles, services, links and open calls.
    keeps: AtomicUsize,
    changes: Changes,
}

impl<P: Platform> Shared<P> {
    /// Starts a peer. `platform` receives the handle for its control plane. That handle does not
    /// keep the peer alive, and can be upgraded as soon as this function has returned.
    ///
    /// # Errors
    ///
    /// Fails if two blocks of this program have the same id.
    pub fn start(parts: Parts, platform: impl FnOnce(&Weak<Self>) -> P) -> Result<Arc<Self>, DuplicateBlock> {
        let Parts {
            identity,
            trusted,
            allow_first_come,
            authorize,
            disclosure,
            limits,
            data,
            observer,
            served_observer,
            blocks,
        } = parts;
        let registry = Registry::of_process()?;
        let exposed: FxHashMap<_, _> = registry
            .entries()
            .filter(|entry| blocks.contains(entry.block()))
            .map(|entry| (entry.block().id, entry))
            .collect();
        let id = identity.peer_id();
        if exposed.is_empty() && !blocks.is_none() {
            warn_of_nothing_exposed(id, registry, &blocks);
        }
        tracing::info!(peer = %id, blocks = registry.blocks().len(), exposed = exposed.len(), "peer started");
        let shared = Arc::new_cyclic(|weak| Self {
            platform: platform(weak),
            id,
            account: Account::of_peer(&limits),
            limits: limits.into(),
            data,
            observer,
            served_observer,
            registry,
            blocks,
            exposed,
            identity,
            us: OnceLock::new(),
            trusted,
            allow_first_come,
            authorize,
            disclosure,
            is_stopping: AtomicBool::new(false),
            draining: Flag::default(),
            routes: Routes::default(),
            detached: Detached::default(),
            places: Places::default(),
            lines: Lines::default(),
            waiting: WaitingPlaces::default(),
            keeps: AtomicUsize::new(0),
            changes: Changes::default(),
        });
        if host::announce(&(Arc::clone(&shared) as Arc<dyn Host>)) {
            tracing::warn!(
                peer = %id,
                "this process has another live peer with this id: sessions of one are unknown to the other, so make one peer outside of the closure \
                 of `HttpServer::new`, and clone it there"
            );
        }
        Ok(shared)
    }

    /// The platform of the peer.
    pub fn platform(&self) -> &P {
        &self.platform
    }

    /// The id of the peer.
    pub fn id(&self) -> PeerId {
        self.id
    }

    /// The limits of the peer.
    pub fn limits(&self) -> &Arc<Limits> {
        &self.limits
    }

    /// The memory that is held for all of its sessions.
    pub fn account(&self) -> &Arc<Account> {
        &self.account
    }

    /// How the peer introduces itself to other peers, and proves its identity.
    pub(super) fn us(&self) -> &Us {
        self.us.get_or_init(|| Us::new(&self.identity, &self.limits, self.registry.digest()))
    }

    /// Examines the types of all blocks, unless that was done before: how their values are
    /// encoded, and which values cannot be. That runs their `Deserialize` with made-up values. It
    /// is done when a peer is about to have connections, and not at its start.
    pub fn look_at_types(&self) {
        self.us();
    }

    /// Whether this id is derived from a trusted key.
    pub(super) fn trusts(&self, peer: PeerId) -> bool {
        self.trusted.contains(&peer)
    }

    pub(super) fn authorize(&self) -> Option<&Arc<dyn Authorize>> {
        self.authorize.as_ref()
    }

    pub(super) fn disclosure(&self) -> Disclosure {
        self.disclosure
    }

    /// Whether other peers may claim any id from any address.
    pub fn allows_first_come(&self) -> bool {
        self.allow_first_come
    }

    /// Limits the log lines that other peers can cause.
    pub fn lines(&self) -> &Lines {
        &self.lines
    }

    /// The peers that are reachable.
    pub fn routes(&self) -> &Routes<P> {
        &self.routes
    }

    /// The blocks that continue without a caller.
    pub(super) fn detached(&self) -> &Detached<P> {
        &self.detached
    }

    /// The links that are kept connected.
    pub(super) fn places(&self) -> &Places {
        &self.places
    }

    /// Watches the sessions from now on.
    pub fn watch_sessions(self: &Arc<Self>) -> SessionWatch {
        SessionWatch::new(&(Arc::clone(self) as Arc<dyn Host>))
    }

    /// Reports the peers that are connected, and from then on who comes and goes.
    pub fn peers_changed(self: &Arc<Self>) -> PeersChanged {
        PeersChanged::new(&(Arc::clone(self) as Arc<dyn Host>))
    }

    pub(super) fn changes(&self) -> &Changes {
        &self.changes
    }

    /// Closes the session with a peer. Returns false if there is no session.
    pub fn disconnect(&self, peer: PeerId, reason: &str) -> bool {
        let link = self.routes.session(peer);
        if let Some(link) = &link {
            link.close(Goodbye::policy(reason));
        }
        link.is_some()
    }

    /// Waits until a peer is connected. Returns at once if it is, or if this peer is stopped.
    pub async fn connected(&self, peer: PeerId) {
        let is_connected = self.routes.find(peer).is_some_and(|link| link.is_connected());
        if !is_connected {
            // The sender is dropped when this peer is stopped.
            let _ = self.joined(peer, Deadline::never()).await;
        }
    }

    /// Waits until a peer is not connected. Returns at once if it is not.
    pub async fn disconnected(&self, peer: PeerId) {
        if let Some(link) = self.routes.session(peer) {
            link.until_detached().await;
        }
    }

    /// The blocks that a peer has in another version, as far as its catalogue is known.
    pub fn skew(&self, peer: PeerId) -> Vec<Skew> {
        self.routes.session(peer).map(|link| link.skews().to_vec()).unwrap_or_default()
    }

    /// The session with this id with a peer, if it is not over.
    fn session(&self, peer: PeerId, session: SessionId) -> Option<Arc<Link<P>>> {
        self.routes.session(peer).filter(|link| link.id() == session)
    }

    /// A place for a call that has to wait for its peer. Calls made by blocks are counted per peer
    /// that called those blocks.
    fn place_to_wait(&self, request: &Request) -> Result<Option<Place>, Refusal> {
        let Some(context) = here::current().filter(|_| request.hop > 0) else { return Ok(None) };
        let most = self.limits.max_waiting_calls;
        let place = self.waiting.take(context.caller, most);
        place.map(Some).ok_or(Refusal::TooManyWaiting(most))
    }

    /// Completes when a peer has joined. The sender is dropped if the peer does not join in time.
    pub(super) fn joined(&self, peer: PeerId, deadline: Deadline) -> oneshot::Receiver<()> {
        let (joined, is_joined) = oneshot::channel();
        self.platform.tell(Notice::Wanted { peer, deadline, joined });
        is_joined
    }

    /// The blocks of this program, and whether this peer exposes them.
    pub fn list(&self) -> Listing {
        self.registry.list(&self.blocks)
    }

    /// Whether the peer is stopping.
    pub fn is_stopping(&self) -> bool {
        self.is_stopping.load(Ordering::Acquire)
    }

    /// Whether no handle, service, link or open call is left.
    pub(super) fn is_abandoned(&self) -> bool {
        self.keeps.load(Ordering::Acquire) == 0
    }

    /// Set when the peer takes no new sessions and calls.
    pub fn draining(&self) -> &Flag {
        &self.draining
    }

    pub(super) fn stop(&self) {
        self.draining.set();
        self.is_stopping.store(true, Ordering::Release);
        self.places.stop();
    }

    pub(super) fn now(&self) -> Moment {
        self.platform.now()
    }

    pub(super) fn registry(&self) -> &'static Registry {
        self.registry
    }

    /// The block that another peer asks for, if that peer may call it; perhaps in another version.
    pub(super) fn exposed(&self, id: BlockId, fingerprint: Fingerprint) -> Result<&'static Entry, Refusal> {
        match self.exposed.get(&id) {
            Some(entry) => Ok(entry),
            // If other peers may not call a block, they learn only that it exists.
            None if self.registry.can_run(id) => Err(Refusal::NotExposed),
            None => {
                let elsewhere =
                    self.exposed.values().find(|entry| entry.block().is_told_by_its_function(fingerprint));
                Err(Refusal::UnknownBlock { elsewhere: elsewhere.map(|entry| entry.block().path.to_owned()) })
            }
        }
    }
}

fn warn_of_nothing_exposed(peer: PeerId, registry: &Registry, blocks: &Blocks) {
    if registry.known().is_empty() {
        tracing::warn!(
            %peer,
            "this program has no blocks: a crate that is only named in Cargo.toml is not linked, so write `use that_crate as _;`"
        );
    } else {
        tracing::warn!(%peer, exposed = ?blocks, "none of the blocks of this program is exposed; `Peer::blocks` lists them");
    }
}

impl<P: Platform> fmt::Debug for Shared<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("id", &self.id).field("routes", &self.routes).finish_non_exhaustive()
    }
}
