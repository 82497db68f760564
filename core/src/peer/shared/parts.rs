//! The configuration of a peer.

use std::fmt;
use std::sync::Arc;

use rustc_hash::FxHashSet;

use crate::auth::Authorize;
use crate::block::selection::Blocks;
use crate::call::host::{Data, Observer};
use crate::call::served::ServedObserver;
use crate::error::disclosure::Disclosure;
use crate::identity::Identity;
use crate::identity::peer_id::PeerId;
use crate::limits::Limits;

/// The configuration of a peer.
#[derive(Clone)]
pub struct Parts {
    /// The peer's identity.
    pub identity: Identity,
    /// The peers that are trusted by the keys that their ids are derived from.
    pub trusted: FxHashSet<PeerId>,
    /// Whether other peers may claim any unused id from any address.
    pub allow_first_come: bool,
    /// The authorization of calls by other peers, if there is one.
    pub authorize: Option<Arc<dyn Authorize>>,
    /// How much of an error other peers receive.
    pub disclosure: Disclosure,
    /// The limits of the peer.
    pub limits: Limits,
    /// The data that blocks get from [`here::data`](crate::call::here::data).
    pub data: Data,
    /// The observer that is notified of the peer's calls.
    pub observer: Option<Arc<dyn Observer>>,
    /// The observer that is notified of the blocks that the peer runs.
    pub served_observer: Option<Arc<dyn ServedObserver>>,
    /// The blocks that the peer runs for other peers.
    pub blocks: Blocks,
}

impl Parts {
    /// Returns the parts of a peer with this identity and the default limits, and nothing else.
    #[must_use]
    pub fn new(identity: Identity) -> Self {
        Self {
            identity,
            trusted: FxHashSet::default(),
            allow_first_come: false,
            authorize: None,
            disclosure: Disclosure::default(),
            limits: Limits::default(),
            data: Data::default(),
            observer: None,
            served_observer: None,
            blocks: Blocks::none(),
        }
    }
}

impl fmt::Debug for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            identity,
            trusted,
            allow_first_come,
            authorize,
            disclosure,
            limits,
            data,
            observer: _,
            served_observer: _,
            blocks,
        } = self;
        f.debug_struct("Parts")
            .field("identity", identity)
            .field("trusted", trusted)
            .field("allow_first_come", allow_first_come)
            .field("authorize", authorize)
            .field("disclosure", disclosure)
            .field("limits", limits)
            .field("data", data)
            .field("blocks", blocks)
            .finish_non_exhaustive()
    }
}
