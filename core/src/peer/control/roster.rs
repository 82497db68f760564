//! The decisions of a peer's control plane, without its mailbox: who may join, and which calls
//! wait for which peer.

use std::collections::HashMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use futures_channel::oneshot;

use crate::auth::{Principal, Proof, Visitor};
use crate::identity::peer_id::PeerId;
use crate::peer::connection::goodbye::PROGRAM_ENDED;
use crate::peer::control::waiting::Waiting;
use crate::peer::link::Origin;
use crate::peer::{Goodbye, Link, Platform, Shared};
use crate::util::keyed_hash::Keyed;
use crate::util::time::{Deadline, Moment};
use crate::wire::frame::{Introduction, Reject, SessionId, Token};
use crate::wire::handshake::Guest;

/// All sessions of a peer, and the calls that wait for one. Each peer has one roster, owned by its
/// control plane.
pub struct Roster<P: Platform> {
    /// The sessions with or without a connection.
    sessions: HashMap<SessionId, Arc<Link<P>>, Keyed>,
    /// Calls to peers that are not connected yet.
    waiting: Waiting,
    is_draining: bool,
}

/// The session that continues under another principal, and its new visitor.
type Changed<P> = Option<(Arc<Link<P>>, Visitor)>;

/// A peer has introduced itself on a connection and asks for a session.
pub enum Join<P: Platform> {
    /// On a connection that the other peer made.
    Accepted {
        /// Who made the connection.
        visitor: Visitor,
        /// Its introduction.
        guest: Arc<Guest>,
        /// Ends the connection.
        kill: P::Kill,
        /// Whether the peer that holds its id was already probed.
        has_asked: bool,
    },
    /// On a connection that we made.
    Dialled {
        /// Its introduction.
        them: Introduction,
        /// The address that was dialled.
        address: Option<SocketAddr>,
        /// The session that it has opened.
        ticket: (SessionId, Token),
        /// Ends the connection.
        kill: P::Kill,
    },
}

/// The result of a join: the session that the connection carries.
pub enum Admitted<P: Platform> {
    /// A new one.
    New(Arc<Link<P>>),
    /// A session that is to be resumed, with this visitor, and the handle that ends the
    /// connection.
    Resumed(Arc<Link<P>>, Visitor, P::Kill),
    /// The id is held by the peer of this session, which was probed. The join has to be
    /// [decided](crate::peer::settle) again after its answer.
    Contested(Arc<Link<P>>, Box<Join<P>>),
}

/// A notice of a part of the peer to its control plane, through [`Platform::tell`].
pub enum Notice<P: Platform> {
    /// An accepted session is open: calls that wait for its peer can continue.
    Joined(PeerId),
    /// A session is over.
    Left(Arc<Link<P>>),
    /// The last handle was dropped.
    Abandoned,
    /// A call waits for a peer. If its sender is dropped, the peer did not join in time.
    Wanted {
        /// The peer.
        peer: PeerId,
        /// The deadline of the wait.
        deadline: Deadline,
        /// Completed when the peer has joined.
        joined: oneshot::Sender<()>,
    },
}

/// Lets the control plane decide on a join by `ask`. If the id is contested, the peer that has it
/// is probed first, and the control plane decides again.
///
/// # Errors
///
/// Returns why there is no session.
pub async fn settle<P: Platform>(
    join: Box<Join<P>>,
    ask: impl AsyncFn(Box<Join<P>>) -> Result<Admitted<P>, Reject>,
) -> Result<Admitted<P>, Reject> {
    match ask(join).await {
        Ok(Admitted::Contested(holder, again)) => {
            holder.until_answered().await;
            ask(again).await
        }
        verdict => verdict,
    }
}

impl<P: Platform> Default for Roster<P> {
    fn default() -> Self {
        Self { sessions: HashMap::default(), waiting: Waiting::default(), is_draining: false }
    }
}

impl<P: Platform> Roster<P> {
    /// Decides on a join.
    pub fn join(&mut self, shared: &Arc<Shared<P>>, join: Join<P>) -> Result<Admitted<P>, Reject> {
        if shared.is_stopping() {
            return Err(Reject::GoingAway);
        }
        match join {
            Join::Accepted { visitor, guest, kill, has_asked } => {
                self.accept(shared, visitor, guest, kill, has_asked)
            }
            // This side chose whom to dial.
            Join::Dialled { them, address, ticket, kill } => {
                let visitor =
                    Visitor { principal: trusted(shared, them.peer), address, ..Visitor::default() };
                self.begin(shared, &them, visitor, Origin::Theirs(ticket), kill)
            }
        }
    }

    fn accept(
        &mut self,
        shared: &Arc<Shared<P>>,
        visitor: Visitor,
        guest: Arc<Guest>,
        kill: P::Kill,
        has_asked: bool,
    ) -> Result<Admitted<P>, Reject> {
        let peer = guest.introduction().peer;
        if let Some((link, visitor)) = self.changed(shared, &visitor, &guest)? {
            return Ok(Admitted::Resumed(link, visitor, kill));
        }
        let visitor = recognise(shared, visitor, peer)?;
        if let Some((session, _)) = guest.resumes()
            && let Some(link) = self.sessions.get(&session).filter(|link| link.is_alive())
        {
            if link.remote() != peer || !guest.has(&link.ticket().1) {
                return Err(Reject::BadToken);
            }
            if !link.gives_way_to(visitor.principal.as_ref()) {
                return Err(Reject::NotYours);
            }
            return Ok(Admitted::Resumed(Arc::clone(link), visitor, kill));
        }
        let holder = shared.routes().session(peer).filter(|holder| holder.is_connected());
        if let Some(holder) = holder {
            // Its connection may be dead. A peer that has proved the same id need not wait until
            // that is noticed.
            if !has_asked && is_proved(&visitor, peer) {
                holder.challenge();
                let again = Join::Accepted { visitor, guest, kill, has_asked: true };
                return Ok(Admitted::Contested(holder, Box::new(again)));
            }
            // The session that the guest wants to resume was replaced by a session of another
            // peer.
            if guest.resumes().is_some() {
                return Err(Reject::Replaced);
            }
            if has_asked {
                return Err(Reject::IdInUse { seconds: 0 });
            }
        }
        self.begin(shared, guest.introduction(), visitor, Origin::Ours, kill)
    }

    /// The session that the guest resumes under another principal, as it has asked there. The
    /// guest keeps its peer id: it has the session's token.
    fn changed(&self, shared: &Shared<P>, visitor: &Visitor, guest: &Guest) -> Result<Changed<P>, Reject> {
        let peer = guest.introduction().peer;
        let link = guest.resumes().and_then(|(session, _)| self.sessions.get(&session));
        let Some(link) = link.filter(|link| link.is_alive() && link.remote() == peer && link.may_change())
        else {
            return Ok(None);
        };
        if !guest.has(&link.ticket().1) {
            return Err(Reject::BadToken);
        }
        let principal = visitor.principal.clone().or_else(|| trusted(shared, peer));
        if principal.as_ref().and_then(Principal::peer).is_some_and(|bound| bound != peer) {
            return Err(Reject::NotYours);
        }
        Ok(Some((Arc::clone(link), Visitor { principal, ..visitor.clone() })))
    }

    fn begin(
        &mut self,
        shared: &Arc<Shared<P>>,
        them: &Introduction,
        visitor: Visitor,
        origin: Origin,
        kill: P::Kill,
    ) -> Result<Admitted<P>, Reject> {
        if self.is_draining {
            return Err(Reject::GoingAway);
        }
        if let Some(other) = shared.routes().session(them.peer) {
            // The id of a connected peer cannot be taken over. A session without a connection
            // gives way to a new one of the same principal: the peer was restarted. If two peers
            // dial each other at the same time, they must not both refuse: the session dialled by
            // the peer with the smaller id stays.
            let is_crossed = matches!(origin, Origin::Theirs(_)) && other.is_unanswered();
            let stays = other.is_attached() && !(is_crossed && shared.id() < them.peer);
            if stays || !other.gives_way_to(visitor.principal.as_ref()) {
                return Err(Reject::IdInUse { seconds: other.free_in() });
            }
            other.lose(Goodbye::away("the peer has a new session"));
        }
        if visitor.is_beyond || self.sessions.len() >= shared.limits().max_sessions {
            return Err(Reject::Full);
        }
        // A dialled peer chooses the id of the session. It must not replace a session that exists
        // here.
        if let Origin::Theirs((session, _)) = &origin
            && self.sessions.contains_key(session)
        {
            return Err(Reject::Lost);
        }
        let link = Link::start(shared, them, visitor, origin, kill);
        self.sessions.insert(link.id(), Arc::clone(&link));
        shared.routes().add(Arc::clone(&link));
        Ok(Admitted::New(link))
    }

    /// Processes a notice. If it returns a moment, [`give_up_late`](Self::give_up_late) is due
    /// then.
    pub fn take(&mut self, shared: &Shared<P>, notice: Notice<P>) -> Option<Moment> {
        match notice {
            Notice::Joined(peer) => self.waiting.joined(peer),
            Notice::Left(link) => {
                self.sessions.remove(&link.id());
                shared.routes().remove(&link);
                shared.changes().add();
            }
            Notice::Abandoned if shared.is_abandoned() => {
                tracing::debug!(peer = %shared.id(), "peer ended: its last handle was dropped");
                self.end(shared, "the peer has ended");
            }
            // A call of the peer was made meanwhile.
            Notice::Abandoned => {}
            // No peer joins any more: the sender is dropped.
            Notice::Wanted { .. } if shared.is_stopping() => {}
            Notice::Wanted { peer, deadline, joined } => {
                if shared.routes().session(peer).is_some_and(|link| link.is_connected()) {
                    // The waiting call may have been given up.
                    let _ = joined.send(());
                } else {
                    return self.waiting.add(peer, deadline, joined);
                }
            }
        }
        None
    }

    /// Drops the calls whose wait has expired by now. If it returns a moment, it is due again
    /// then.
    pub fn give_up_late(&mut self, now: Moment) -> Option<Moment> {
        self.waiting.give_up(now)
    }

    /// Stops taking new sessions and new calls. The returned future completes when nothing runs
    /// any more.
    pub fn drain(&mut self, shared: &Arc<Shared<P>>) -> impl Future<Output = ()> + use<P> {
        self.is_draining = true;
        shared.draining().set();
        let links: Vec<_> = self.sessions.values().cloned().collect();
        links.iter().for_each(|link| link.go_away());
        let shared = Arc::clone(shared);
        async move {
            // Waiting for one after the other is enough: they are all idle when the last one is.
            for link in links {
                link.until_idle().await;
            }
            shared.detached().until_none().await;
        }
    }

    /// Closes all sessions and rejects all further joins.
    pub fn stop(&mut self, shared: &Shared<P>) {
        self.end(shared, "the peer was stopped");
    }

    /// The same when the event loop of the control plane has ended, probably because the program
    /// ends. No notice arrives any more, so the sessions are removed here.
    pub fn part(&mut self, shared: &Shared<P>) {
        self.end_by(shared, |link| link.part(Goodbye::away(PROGRAM_ENDED)));
        for (_, link) in self.sessions.drain() {
            shared.routes().remove(&link);
        }
        shared.changes().add();
    }

    fn end(&mut self, shared: &Shared<P>, reason: &str) {
        self.end_by(shared, |link| link.close(Goodbye::away(reason)));
    }

    fn end_by(&mut self, shared: &Shared<P>, end: impl Fn(&Arc<Link<P>>)) {
        shared.stop();
        self.waiting.clear();
        self.sessions.values().for_each(end);
        shared.detached().abort();
        shared.changes().add();
    }
}

/// Completes the visitor with its principal, if it may have the peer id that it claims. From
/// weakest to strongest, an id is obtained by coming first, by a token that is bound to it, or by
/// the key that it is derived from. The handshake has proved that key.
fn recognise<P: Platform>(shared: &Shared<P>, mut visitor: Visitor, peer: PeerId) -> Result<Visitor, Reject> {
    visitor.principal = visitor.principal.or_else(|| trusted(shared, peer));
    match visitor.principal.as_ref().and_then(Principal::peer) {
        Some(bound) if bound != peer => return Err(Reject::NotYours),
        Some(_) => return Ok(visitor),
        None => {}
    }
    let is_first_come = visitor.is_local || shared.allows_first_come();
    // No agreement assigns a random id to a peer, so an authenticated visitor may have it from any
    // address. A named id has to be proved.
    let is_nobodys = visitor.principal.is_some() && peer.is_random();
    if peer.is_of_key() || is_first_come || is_nobodys { Ok(visitor) } else { Err(Reject::NotProved) }
}

/// Whether a visitor has proved the peer id, and did not only come first: by the key that the id
/// is derived from, or by a principal that is bound to it.
fn is_proved(visitor: &Visitor, peer: PeerId) -> bool {
    peer.is_of_key() || visitor.principal.as_ref().and_then(Principal::peer) == Some(peer)
}

/// The principal of a key that this peer is configured to trust.
fn trusted<P: Platform>(shared: &Shared<P>, peer: PeerId) -> Option<Principal> {
    // If a peer introduced itself with an id derived from a key, the handshake has proved that
    // key.
    let is_trusted = peer.is_of_key() && shared.trusts(peer);
    is_trusted.then(|| Principal::new(peer.to_string(), Proof::Key).bound_to(peer))
}

impl<P: Platform> fmt::Debug for Roster<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Roster")
            .field("sessions", &self.sessions.len())
            .field("waiting", &self.waiting.len())
            .field("is_draining", &self.is_draining)
            .finish()
    }
}

impl<P: Platform> fmt::Debug for Join<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let them = match self {
            Self::Accepted { guest, .. } => guest.introduction(),
            Self::Dialled { them, .. } => them,
        };
        f.debug_struct("Join").field("them", them).finish_non_exhaustive()
    }
}

impl<P: Platform> fmt::Debug for Admitted<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::New(link) => f.debug_tuple("New").field(link).finish(),
            Self::Resumed(link, ..) => f.debug_tuple("Resumed").field(link).finish(),
            Self::Contested(link, _) => f.debug_tuple("Contested").field(link).finish(),
        }
    }
}

impl<P: Platform> fmt::Debug for Notice<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Joined(peer) => f.debug_tuple("Joined").field(peer).finish(),
            Self::Left(link) => f.debug_tuple("Left").field(link).finish(),
            Self::Abandoned => f.write_str("Abandoned"),
            Self::Wanted { peer, .. } => f.debug_tuple("Wanted").field(peer).finish(),
        }
    }
}
