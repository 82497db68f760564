//! The peer actor: the control plane of a peer. It decides which sessions are accepted, and
//! tracks which calls wait for which peer. The links that the peer keeps connected run on its
//! arbiter.
//!
//! Calls do not queue behind it: they find their session in the routes, which the actor
//! maintains.

use std::sync::Weak;
use std::time::Duration;

use actix::prelude::*;
use distributed_scope_core::peer::{Admitted, Join, Notice, Roster, settle};
use distributed_scope_core::{Call, Moment, Reject, RemoteError};

use crate::clock;
use crate::peer::Peer;
use crate::platform::{Actix, Shared};

/// The actor of a [`Peer`]: it owns the registry of the reachable sessions.
///
/// Its address ([`Peer::addr`]) accepts an [`Invoke`] from any actor.
#[derive(Debug)]
pub struct PeerActor {
    peer: Weak<Shared>,
    roster: Roster<Actix>,
}

impl PeerActor {
    pub(crate) fn new(peer: Weak<Shared>) -> Self {
        Self { peer, roster: Roster::default() }
    }
}

impl Actor for PeerActor {
    type Context = Context<Self>;
}

impl Drop for PeerActor {
    /// If there are handles of the peer, its event loop has ended, for example because the program
    /// returns from `main`. The sessions that others have opened live on threads of a server,
    /// which end with the process, without notice.
    fn drop(&mut self) {
        if let Some(shared) = self.peer.upgrade() {
            self.roster.part(&shared);
        }
    }
}

/// A client has sent its handshake on a connection and requests a session.
#[derive(Message)]
#[rtype(result = "Result<Admitted<Actix>, Reject>")]
struct Ask(Join<Actix>);

impl Handler<Ask> for PeerActor {
    type Result = MessageResult<Ask>;

    fn handle(&mut self, Ask(join): Ask, _: &mut Self::Context) -> Self::Result {
        MessageResult(match self.peer.upgrade() {
            Some(shared) => self.roster.join(&shared, join),
            None => Err(Reject::GoingAway),
        })
    }
}

/// Asks the actor to decide on a join.
pub(crate) fn decide(
    shared: &Shared,
    join: Box<Join<Actix>>,
) -> impl Future<Output = Result<Admitted<Actix>, Reject>> + use<> {
    let actor = shared.platform().actor().clone();
    settle(join, async move |join| actor.send(Ask(*join)).await.unwrap_or(Err(Reject::GoingAway)))
}

/// An event of a session, or a caller that waits for one.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Tell(pub(crate) Notice<Actix>);

impl Handler<Tell> for PeerActor {
    type Result = ();

    fn handle(&mut self, Tell(notice): Tell, ctx: &mut Self::Context) {
        let Some(shared) = self.peer.upgrade() else { return };
        if let Some(moment) = self.roster.take(&shared, notice) {
            give_up_at(moment, ctx);
        }
    }
}

/// At this moment, the wait for a peer expires for some callers.
fn give_up_at(moment: Moment, ctx: &mut Context<PeerActor>) {
    ctx.run_later(moment.since(clock::now()), |actor, ctx| {
        if let Some(moment) = actor.roster.give_up_late(clock::now()) {
            give_up_at(moment, ctx);
        }
    });
}

/// Accepts no new sessions and no new calls; running blocks have at most this grace period.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Drain(pub(crate) Duration);

impl Handler<Drain> for PeerActor {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, Drain(grace): Drain, _: &mut Self::Context) -> Self::Result {
        let Some(shared) = self.peer.upgrade() else { return Box::pin(async {}) };
        let idle = self.roster.drain(&shared);
        // The next step is the same whether all sessions are idle or the grace period is over.
        Box::pin(async move { drop(tokio::time::timeout(grace, idle).await) })
    }
}

/// Closes all sessions and rejects new ones.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Stop;

impl Handler<Stop> for PeerActor {
    type Result = ();

    fn handle(&mut self, _: Stop, _: &mut Self::Context) {
        // A peer without handles has no session either.
        if let Some(shared) = self.peer.upgrade() {
            self.roster.stop(&shared);
        }
    }
}

/// A call as an actor message: an actor sends it to the [address](Peer::addr) of a peer to run a
/// block.
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

    /// The call waits in its own task, so that many calls do not slow this actor down.
    fn handle(&mut self, Invoke(call): Invoke<R>, _: &mut Self::Context) -> Self::Result {
        match self.peer.upgrade() {
            Some(shared) => Box::pin(Peer::of(shared).run(call)),
            None => Box::pin(call),
        }
    }
}
