//! The peer actor: the control plane of a peer. It decides who may join, knows who waits for whom, and dials.
//!
//! Calls do not queue behind it: they find their session in the routes, which it keeps.

use std::sync::{Arc, Weak};

use actix::prelude::*;
use actix_http::ws::{CloseCode, CloseReason};
use distributed_scope_core::{Call, Deadline, PeerId, Reject, RemoteError};
use futures_channel::oneshot;
use rustc_hash::FxHashMap;
use serde::de::DeserializeOwned;

use crate::clock;
use crate::peer::{Peer, Shared};
use crate::routes::Routes;
use crate::session::Link;
use crate::session::dial::{self, ConnectError};

/// The actor of a [`Peer`]: it owns the registry of the scopes that are reachable.
///
/// Its address ([`Peer::addr`]) takes an [`Invoke`] from any actor.
#[derive(Debug)]
pub struct PeerActor {
    peer: Weak<Shared>,
    routes: Arc<Routes>,
    /// Calls to peers that are not connected yet.
    waiting: FxHashMap<PeerId, Vec<Waiter>>,
    is_stopping: bool,
}

#[derive(Debug)]
struct Waiter {
    joined: oneshot::Sender<()>,
    deadline: Deadline,
}

impl PeerActor {
    pub(crate) fn new(peer: Weak<Shared>, routes: Arc<Routes>) -> Self {
        Self { peer, routes, waiting: FxHashMap::default(), is_stopping: false }
    }
}

impl Actor for PeerActor {
    type Context = Context<Self>;
}

/// A session wants to be the way to a peer.
#[derive(Message)]
#[rtype(result = "Result<(), Reject>")]
pub(crate) struct Join {
    pub(crate) peer: PeerId,
    pub(crate) link: Arc<Link>,
}

impl Handler<Join> for PeerActor {
    type Result = MessageResult<Join>;

    fn handle(&mut self, Join { peer, link }: Join, _: &mut Self::Context) -> Self::Result {
        if self.is_stopping {
            return MessageResult(Err(Reject::GoingAway));
        }
        // The link opens when this answer reaches its session; those who wait are told by `Joined`, after that.
        MessageResult(if self.routes.add(peer, link) { Ok(()) } else { Err(Reject::IdInUse) })
    }
}

/// A session that was let in is open: whoever waits for its peer can go on.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Joined {
    pub(crate) peer: PeerId,
}

impl Handler<Joined> for PeerActor {
    type Result = ();

    fn handle(&mut self, Joined { peer }: Joined, _: &mut Self::Context) {
        for waiter in self.waiting.remove(&peer).unwrap_or_default() {
            // Whoever waited may have given up.
            let _ = waiter.joined.send(());
        }
    }
}

/// A session is over.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Leave {
    pub(crate) peer: PeerId,
    pub(crate) link: Arc<Link>,
}

impl Handler<Leave> for PeerActor {
    type Result = ();

    fn handle(&mut self, Leave { peer, link }: Leave, _: &mut Self::Context) {
        self.routes.remove(peer, &link);
    }
}

/// Somebody waits for a peer; dropped senders mean that it did not come in time.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Await {
    pub(crate) peer: PeerId,
    pub(crate) deadline: Deadline,
    pub(crate) joined: oneshot::Sender<()>,
}

impl Handler<Await> for PeerActor {
    type Result = ();

    fn handle(&mut self, Await { peer, deadline, joined }: Await, ctx: &mut Self::Context) {
        if self.is_stopping {
            return;
        }
        if self.routes.find(peer).is_some() {
            // Whoever waited may have given up.
            let _ = joined.send(());
            return;
        }
        self.waiting.entry(peer).or_default().push(Waiter { joined, deadline });
        if let Some(left) = deadline.remaining(clock::now()) {
            ctx.run_later(left, move |actor, _| actor.give_up_late(peer));
        }
    }
}

impl PeerActor {
    fn give_up_late(&mut self, peer: PeerId) {
        if let Some(waiters) = self.waiting.get_mut(&peer) {
            let now = clock::now();
            waiters.retain(|waiter| !waiter.deadline.has_passed(now) && !waiter.joined.is_canceled());
            if waiters.is_empty() {
                self.waiting.remove(&peer);
            }
        }
    }
}

/// Connects to a peer.
#[derive(Message)]
#[rtype(result = "Result<PeerId, ConnectError>")]
pub(crate) struct Dial(pub(crate) String);

impl Handler<Dial> for PeerActor {
    type Result = ResponseFuture<Result<PeerId, ConnectError>>;

    fn handle(&mut self, Dial(url): Dial, _: &mut Self::Context) -> Self::Result {
        match self.peer.upgrade() {
            Some(shared) if !self.is_stopping => Box::pin(dial::dial(shared, url)),
            _ => Box::pin(async { Err(ConnectError::Stopped) }),
        }
    }
}

/// Closes all sessions and lets nobody in any more.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Stop;

impl Handler<Stop> for PeerActor {
    type Result = ();

    fn handle(&mut self, _: Stop, _: &mut Self::Context) {
        self.is_stopping = true;
        self.waiting.clear();
        for link in self.routes.links() {
            let description = Some("the peer was stopped".to_owned());
            link.close(CloseReason { code: CloseCode::Away, description });
        }
    }
}

/// A call as an actor message: what an actor sends to a peer's [address](Peer::addr) to have a block run.
///
/// ```no_run
/// # use actix::prelude::*;
/// # use distributed_scope_actor_peer::{Invoke, Peer};
/// # use distributed_scope_core::{Call, RemoteError};
/// # async fn f(peer: Peer, call: Call<u32>) -> Result<(), Box<dyn std::error::Error>> {
/// let value: Result<u32, RemoteError> = peer.addr().send(Invoke(call)).await?;
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Invoke<R>(pub Call<R>);

impl<R: Send + 'static> Message for Invoke<R> {
    type Result = Result<R, RemoteError>;
}

impl<R: DeserializeOwned + Send + 'static> Handler<Invoke<R>> for PeerActor {
    type Result = ResponseFuture<Result<R, RemoteError>>;

    /// The call waits in a task of its own, so that many of them do not slow this actor down.
    fn handle(&mut self, Invoke(call): Invoke<R>, _: &mut Self::Context) -> Self::Result {
        match self.peer.upgrade() {
            Some(shared) => Box::pin(Peer::of(shared).run(call)),
            None => Box::pin(call),
        }
    }
}
