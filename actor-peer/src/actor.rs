//! The peer actor: the control plane of a peer. It decides who may join, knows who waits for whom, and dials.
//!
//! Calls do not queue behind it: they find their session in the routes, which it keeps.

use std::sync::{Arc, Weak};
use std::time::Duration;

use actix::prelude::*;
use actix_http::ws::{CloseCode, CloseReason};
use distributed_scope_core::frame::{Introduction, Resume, SessionId, Token};
use distributed_scope_core::{Call, Deadline, PeerId, Reject, RemoteError};
use futures_channel::oneshot;
use futures_util::future::join_all;
use rustc_hash::FxHashMap;

use crate::clock;
use crate::peer::{Peer, Shared};
use crate::routes::Routes;
use crate::session::dial::{self, ConnectError};
use crate::session::{Kill, Link, keep_connected};

/// The actor of a [`Peer`]: it owns the registry of the scopes that are reachable.
///
/// Its address ([`Peer::addr`]) takes an [`Invoke`] from any actor.
#[derive(Debug)]
pub struct PeerActor {
    peer: Weak<Shared>,
    routes: Arc<Routes>,
    /// Calls to peers that are not connected yet.
    waiting: FxHashMap<PeerId, Vec<Waiter>>,
    /// All sessions, with or without a connection.
    sessions: FxHashMap<SessionId, Arc<Link>>,
    is_draining: bool,
}

#[derive(Debug)]
struct Waiter {
    joined: oneshot::Sender<()>,
    deadline: Deadline,
}

impl PeerActor {
    pub(crate) fn new(peer: Weak<Shared>, routes: Arc<Routes>) -> Self {
        Self {
            peer,
            routes,
            waiting: FxHashMap::default(),
            sessions: FxHashMap::default(),
            is_draining: false,
        }
    }
}

impl Actor for PeerActor {
    type Context = Context<Self>;
}

/// Somebody introduced itself on a connection and wants a session.
#[derive(Message)]
#[rtype(result = "Result<Admitted, Reject>")]
pub(crate) struct Join {
    pub(crate) them: Introduction,
    /// The session's ticket, when the other side made one because we dialled.
    pub(crate) ticket: Option<(SessionId, Token)>,
    /// The session that is to go on.
    pub(crate) resume: Option<Resume>,
    /// Ends the connection.
    pub(crate) kill: Kill,
}

/// The session that a connection is to carry.
pub(crate) enum Admitted {
    New(Arc<Link>),
    Resumed(Arc<Link>),
}

impl Handler<Join> for PeerActor {
    type Result = MessageResult<Join>;

    fn handle(&mut self, join: Join, _: &mut Self::Context) -> Self::Result {
        MessageResult(self.join(join))
    }
}

impl PeerActor {
    fn join(&mut self, Join { them, ticket, resume, kill }: Join) -> Result<Admitted, Reject> {
        let shared = self.peer.upgrade().filter(|shared| !shared.is_stopping()).ok_or(Reject::GoingAway)?;
        if let Some(resume) = resume
            && let Some(link) = self.sessions.get(&resume.session).filter(|link| link.is_alive())
        {
            let is_theirs = link.ticket().1 == resume.token && link.remote() == them.peer;
            return if is_theirs { Ok(Admitted::Resumed(Arc::clone(link))) } else { Err(Reject::BadToken) };
        }
        if self.is_draining {
            return Err(Reject::GoingAway);
        }
        if let Some(other) = self.routes.session(them.peer) {
            // A live peer id cannot be taken over. A session that waits for its peer to come back gives way to a new one:
            // the peer was restarted.
            if other.is_attached() {
                return Err(Reject::IdInUse);
            }
            other.close(away("the peer came back with a new session"));
        }
        if self.sessions.len() >= shared.limits().sessions {
            return Err(Reject::Full);
        }
        let ticket = ticket.unwrap_or_else(|| (SessionId::random(), Token::random()));
        let link = Link::start(&shared, &them, ticket, kill);
        self.sessions.insert(ticket.0, Arc::clone(&link));
        self.routes.add(Arc::clone(&link));
        Ok(Admitted::New(link))
    }
}

fn away(text: &str) -> CloseReason {
    CloseReason { code: CloseCode::Away, description: Some(text.to_owned()) }
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
    pub(crate) link: Arc<Link>,
}

impl Handler<Leave> for PeerActor {
    type Result = ();

    fn handle(&mut self, Leave { link }: Leave, _: &mut Self::Context) {
        self.sessions.remove(&link.id());
        self.routes.remove(&link);
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
        if self.is_stopping() {
            return;
        }
        if self.routes.session(peer).is_some_and(|link| link.is_attached()) {
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
    fn is_stopping(&self) -> bool {
        self.peer.upgrade().is_none_or(|shared| shared.is_stopping())
    }

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

/// Connects to a peer, and stays connected.
#[derive(Message)]
#[rtype(result = "Result<PeerId, ConnectError>")]
pub(crate) struct Dial(pub(crate) String);

impl Handler<Dial> for PeerActor {
    type Result = ResponseFuture<Result<PeerId, ConnectError>>;

    fn handle(&mut self, Dial(url): Dial, _: &mut Self::Context) -> Self::Result {
        let Some(shared) = self.peer.upgrade().filter(|shared| !shared.is_stopping()) else {
            return Box::pin(async { Err(ConnectError::Stopped) });
        };
        Box::pin(async move {
            let peer = Arc::downgrade(&shared);
            let link = dial::dial(shared, url.clone(), None).await?;
            let remote = link.remote();
            actix_rt::spawn(keep_connected(peer, url, link));
            Ok(remote)
        })
    }
}

/// Takes no new sessions and no new calls; what runs goes on for at most so long.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Drain(pub(crate) Duration);

impl Handler<Drain> for PeerActor {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, Drain(grace): Drain, _: &mut Self::Context) -> Self::Result {
        self.is_draining = true;
        let links: Vec<_> = self.sessions.values().cloned().collect();
        links.iter().for_each(|link| link.go_away());
        Box::pin(async move {
            let idle = join_all(links.iter().map(|link| link.until_idle()));
            // Whether all are idle or the grace is over, what follows is the same.
            let _ = tokio::time::timeout(grace, idle).await;
        })
    }
}

/// Closes all sessions and lets nobody in any more.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Stop;

impl Handler<Stop> for PeerActor {
    type Result = ();

    fn handle(&mut self, _: Stop, _: &mut Self::Context) {
        if let Some(shared) = self.peer.upgrade() {
            shared.stop();
        }
        self.waiting.clear();
        for link in self.sessions.values() {
            link.close(away("the peer was stopped"));
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

impl<R: Send + 'static> Handler<Invoke<R>> for PeerActor {
    type Result = ResponseFuture<Result<R, RemoteError>>;

    /// The call waits in a task of its own, so that many of them do not slow this actor down.
    fn handle(&mut self, Invoke(call): Invoke<R>, _: &mut Self::Context) -> Self::Result {
        match self.peer.upgrade() {
            Some(shared) => Box::pin(Peer::of(shared).run(call)),
            None => Box::pin(call),
        }
    }
}
