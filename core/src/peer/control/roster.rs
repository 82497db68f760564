//! Who may join, and who waits for whom: the decisions of a peer's control plane, without its
//! mailbox.

use std::collections::HashMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use futures_channel::oneshot;

use crate::auth::{Principal, Proof, Visitor};
use crate::identity::peer_id::PeerId;
use crate::peer::control::waiting::Waiting;
use crate::peer::link::Origin;
use crate::peer::{Goodbye, Link, Platform, Shared};
use crate::util::keyed_hash::Keyed;
use crate::util::time::{Deadline, Moment};
use crate::wire::frame::{Introduction, Reject, SessionId, Token};
use crate::wire::handshake::Guest;

/// All sessions of a peer, and those who wait for one. There is one for a peer; its control plane
/// owns it.
pub struct Roster<P: Platform> {
    /// With or without a connection.
    sessions: HashMap<SessionId, Arc<Link<P>>, Keyed>,
    /// Calls to peers that are not connected yet.
    waiting: Waiting,
    is_draining: bool,
}

/// The session that goes on as somebody else, and as whom.
type Changed<P> = Option<(Arc<Link<P>>, Visitor)>;

/// Somebody introduced itself on a connection and wants a session.
pub enum Join<P: Platform> {
    /// On a connection that it made.
    Accepted {
        /// Who made the connection.
        visitor: Visitor,
        /// How it introduced itself.
        guest: Arc<Guest>,
        /// Ends the connection.
        kill: P::Kill,
        /// Whoever has its id was asked whether it is there.
        has_asked: bool,
    },
    /// On a connection that we made.
    Dialled {
        /// How it introduced itself.
        them: Introduction,
        /// Where we have dialled.
        address: Option<SocketAddr>,
        /// The session that it has opened.
        ticket: (SessionId, Token),
        /// Ends the connection.
        kill: P::Kill,
    },
}

/// The session that a connection is to carry.
pub enum Admitted<P: Platform> {
    /// A new one.
    New(Arc<Link<P>>),
    /// One that may go on, with this visitor, and what ends the connection.
    Resumed(Arc<Link<P>>, Visitor, P::Kill),
    /// It depends on whether the peer of this session is there, which was asked: to be
    /// [decided](crate::peer::settle) again when it has answered.
    Contested(Arc<Link<P>>, Box<Join<P>>),
}

/// What the parts of a peer tell its control plane, through [`Platform::tell`].
pub enum Notice<P: Platform> {
    /// A session that was let in is open: whoever waits for its peer can go on.
    Joined(PeerId),
    /// A session is over.
    Left(Arc<Link<P>>),
    /// The last handle was dropped.
    Abandoned,
    /// Somebody waits for a peer. A sender that is dropped means that it did not come in time.
    Wanted {
        /// The peer.
        peer: PeerId,
        /// For how long.
        deadline: Deadline,
        /// Told when the peer is there.
        joined: oneshot::Sender<()>,
    },
}

/// Has the control plane decide on a join by `ask`; again, if the id is contested, when the peer
/// that has it was asked whether it is there.
///
/// # Errors
///
/// Why there is no session.
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
    /// Decides who may join.
    pub fn join(&mut self, shared: &Arc<Shared<P>>, join: Join<P>) -> Result<Admitted<P>, Reject> {
        if shared.is_stopping() {
            return Err(Reject::GoingAway);
        }
        match join {
            Join::Accepted { visitor, guest, kill, has_asked } => {
                self.accept(shared, visitor, guest, kill, has_asked)
            }
            // We chose whom to dial.
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
            // Its connection may be dead, and whoever has proved to be the same peer need not wait
            // until that
            // is noticed.
            if !has_asked && is_proved(&visitor, peer) {
                holder.challenge();
                let again = Join::Accepted { visitor, guest, kill, has_asked: true };
                return Ok(Admitted::Contested(holder, Box::new(again)));
            }
            // The session that this one wants to go on with gave way to that of somebody else.
            if guest.resumes().is_some() {
                return Err(Reject::Replaced);
            }
            if has_asked {
                return Err(Reject::IdInUse { seconds: 0 });
            }
        }
        self.begin(shared, guest.introduction(), visitor, Origin::Ours, kill)
    }

    /// The session that the guest goes on with as somebody else, as it has asked there. Its id is
    /// the one that it has: it has the session's token.
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
            // A live peer id cannot be taken over. A session that waits for its peer to come back
            // gives way
            // to a new one of the same somebody: the peer was restarted.
            // Two peers that dial each other at once must not both refuse: what the one with the
            // smaller id
            // has dialled stays.
            let is_crossed = matches!(origin, Origin::Theirs(_)) && other.is_unanswered();
            let stays = other.is_attached() && !(is_crossed && shared.id() < them.peer);
            if stays || !other.gives_way_to(visitor.principal.as_ref()) {
                return Err(Reject::IdInUse { seconds: other.free_in() });
            }
            other.close(Goodbye::away("the peer has a new session"));
        }
        if visitor.is_beyond || self.sessions.len() >= shared.limits().sessions {
            return Err(Reject::Full);
        }
        // Whoever we dial chooses the id of the session, and must not take the place of one that
        // is here.
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

    /// Takes a notice. If it gives a moment, [`give_up_late`](Self::give_up_late) is due then.
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
            // A call of it was made meanwhile.
            Notice::Abandoned => {}
            // Nobody comes any more: the sender is dropped.
            Notice::Wanted { .. } if shared.is_stopping() => {}
            Notice::Wanted { peer, deadline, joined } => {
                if shared.routes().session(peer).is_some_and(|link| link.is_connected()) {
                    // Whoever waited may have given up.
                    let _ = joined.send(());
                } else {
                    return self.waiting.add(peer, deadline, joined);
                }
            }
        }
        None
    }

    /// Drops those who have waited for a peer until now. If it gives a moment, it is due again
    /// then.
    pub fn give_up_late(&mut self, now: Moment) -> Option<Moment> {
        self.waiting.give_up(now)
    }

    /// Takes no new sessions and no new calls. What it returns ends when nothing runs any more.
    pub fn drain(&mut self, shared: &Arc<Shared<P>>) -> impl Future<Output = ()> + use<P> {
        self.is_draining = true;
        shared.draining().set();
        let links: Vec<_> = self.sessions.values().cloned().collect();
        links.iter().for_each(|link| link.go_away());
        let shared = Arc::clone(shared);
        async move {
            // One after the other: they are all idle when the last one is.
            for link in links {
                link.until_idle().await;
            }
            shared.detached().until_none().await;
        }
    }

    /// Closes all sessions and lets nobody in any more.
    pub fn stop(&mut self, shared: &Shared<P>) {
        self.end(shared, "the peer was stopped");
    }

    fn end(&mut self, shared: &Shared<P>, reason: &str) {
        shared.stop();
        self.waiting.clear();
        for link in self.sessions.values() {
            link.close(Goodbye::away(reason));
        }
        shared.detached().abort();
        shared.changes().add();
    }
}

/// Who a visitor is, if it may have the peer id that it claims. From weakest to strongest, an id
/// is had by coming first, by a token that is bound to it, or by the key that it is made of, which
/// the handshake has proved.
fn recognise<P: Platform>(shared: &Shared<P>, mut visitor: Visitor, peer: PeerId) -> Result<Visitor, Reject> {
    visitor.principal = visitor.principal.or_else(|| trusted(shared, peer));
    match visitor.principal.as_ref().and_then(Principal::peer) {
        Some(bound) if bound != peer => return Err(Reject::NotYours),
        Some(_) => return Ok(visitor),
        None => {}
    }
    let is_first_come = visitor.is_local || shared.allows_first_come();
    // A random id is nobody's by agreement, so somebody who is known may have it from anywhere. A
    // name
    // has to be proved.
    let is_nobodys = visitor.principal.is_some() && peer.is_random();
    if peer.is_of_key() || is_first_come || is_nobodys { Ok(visitor) } else { Err(Reject::NotProved) }
}

/// Whether a visitor has proved that it is the peer with this id, and not only come first: by the
/// key that the id is made of, or by what the id is bound to.
fn is_proved(visitor: &Visitor, peer: PeerId) -> bool {
    peer.is_of_key() || visitor.principal.as_ref().and_then(Principal::peer) == Some(peer)
}

/// The principal of a key that this peer was told to trust.
fn trusted<P: Platform>(shared: &Shared<P>, peer: PeerId) -> Option<Principal> {
    // Whoever introduced itself with the id of a key has proved it.
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
