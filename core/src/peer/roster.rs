//! Who may join, and who waits for whom: the decisions of a peer's control plane, without its mailbox.

use std::fmt;
use std::sync::Arc;

use futures_channel::oneshot;
use rustc_hash::FxHashMap;

use super::link::Origin;
use super::{Goodbye, Link, Platform, Shared};
use crate::auth::Visitor;
use crate::frame::{Introduction, Reject, Resume, SessionId, Token};
use crate::id::PeerId;
use crate::time::{Deadline, Moment};

/// All sessions of a peer, and those who wait for one. There is one for a peer; its control plane owns it.
pub struct Roster<P: Platform> {
    /// With or without a connection.
    sessions: FxHashMap<SessionId, Arc<Link<P>>>,
    /// Calls to peers that are not connected yet.
    waiting: FxHashMap<PeerId, Vec<Waiter>>,
    is_draining: bool,
}

struct Waiter {
    joined: oneshot::Sender<()>,
    deadline: Deadline,
}

/// Somebody introduced itself on a connection and wants a session.
pub struct Join<P: Platform> {
    /// Who made the connection.
    pub(super) visitor: Visitor,
    pub(super) them: Introduction,
    /// The session's ticket, when the other side made one because we dialled.
    pub(super) ticket: Option<(SessionId, Token)>,
    /// The session that is to go on.
    pub(super) resume: Option<Resume>,
    /// Ends the connection.
    pub(super) kill: P::Kill,
}

/// The session that a connection is to carry.
pub enum Admitted<P: Platform> {
    /// A new one.
    New(Arc<Link<P>>),
    /// One that goes on, and what ends the connection.
    Resumed(Arc<Link<P>>, P::Kill),
}

/// What the parts of a peer tell its control plane, through [`Platform::tell`].
pub enum Notice<P: Platform> {
    /// A session that was let in is open: whoever waits for its peer can go on.
    Joined(PeerId),
    /// A session is over.
    Left(Arc<Link<P>>),
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

impl<P: Platform> Default for Roster<P> {
    fn default() -> Self {
        Self { sessions: FxHashMap::default(), waiting: FxHashMap::default(), is_draining: false }
    }
}

impl<P: Platform> Roster<P> {
    /// Decides who may join.
    pub fn join(&mut self, shared: &Arc<Shared<P>>, join: Join<P>) -> Result<Admitted<P>, Reject> {
        let Join { visitor, them, ticket, resume, kill } = join;
        if shared.is_stopping() {
            return Err(Reject::GoingAway);
        }
        if let Some(resume) = resume
            && let Some(link) = self.sessions.get(&resume.session).filter(|link| link.is_alive())
        {
            let is_theirs = link.ticket().1 == resume.token && link.remote() == them.peer;
            return match is_theirs {
                true => Ok(Admitted::Resumed(Arc::clone(link), kill)),
                false => Err(Reject::BadToken),
            };
        }
        if self.is_draining {
            return Err(Reject::GoingAway);
        }
        if let Some(other) = shared.routes().session(them.peer) {
            // A live peer id cannot be taken over. A session that waits for its peer to come back gives way to a new one:
            // the peer was restarted.
            if other.is_attached() {
                return Err(Reject::IdInUse);
            }
            other.close(Goodbye::away("the peer came back with a new session"));
        }
        if self.sessions.len() >= shared.limits().sessions {
            return Err(Reject::Full);
        }
        let origin = ticket.map_or(Origin::Ours, Origin::Theirs);
        let link = Link::start(shared, &them, visitor.principal, origin, kill);
        self.sessions.insert(link.id(), Arc::clone(&link));
        shared.routes().add(Arc::clone(&link));
        Ok(Admitted::New(link))
    }

    /// Takes a notice. If it gives a moment, [`give_up_late`](Self::give_up_late) is due then for that peer.
    pub fn take(&mut self, shared: &Shared<P>, notice: Notice<P>) -> Option<(PeerId, Moment)> {
        match notice {
            Notice::Joined(peer) => {
                for waiter in self.waiting.remove(&peer).unwrap_or_default() {
                    // Whoever waited may have given up.
                    let _ = waiter.joined.send(());
                }
            }
            Notice::Left(link) => {
                self.sessions.remove(&link.id());
                shared.routes().remove(&link);
            }
            // Nobody comes any more: the sender is dropped.
            Notice::Wanted { .. } if shared.is_stopping() => {}
            Notice::Wanted { peer, deadline, joined } => {
                if shared.routes().session(peer).is_some_and(|link| link.is_connected()) {
                    // Whoever waited may have given up.
                    let _ = joined.send(());
                } else {
                    self.waiting.entry(peer).or_default().push(Waiter { joined, deadline });
                    return deadline.moment().map(|moment| (peer, moment));
                }
            }
        }
        None
    }

    /// Drops those who waited for this peer until now, or do not wait any longer.
    pub fn give_up_late(&mut self, peer: PeerId, now: Moment) {
        if let Some(waiters) = self.waiting.get_mut(&peer) {
            waiters.retain(|waiter| !waiter.deadline.has_passed(now) && !waiter.joined.is_canceled());
            if waiters.is_empty() {
                self.waiting.remove(&peer);
            }
        }
    }

    /// Takes no new sessions and no new calls. What it returns ends when nothing runs any more.
    pub fn drain(&mut self) -> impl Future<Output = ()> + use<P> {
        self.is_draining = true;
        let links: Vec<_> = self.sessions.values().cloned().collect();
        links.iter().for_each(|link| link.go_away());
        async move {
            // One after the other: they are all idle when the last one is.
            for link in links {
                link.until_idle().await;
            }
        }
    }

    /// Closes all sessions and lets nobody in any more.
    pub fn stop(&mut self, shared: &Shared<P>) {
        shared.stop();
        self.waiting.clear();
        for link in self.sessions.values() {
            link.close(Goodbye::away("the peer was stopped"));
        }
    }
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
        f.debug_struct("Join").field("them", &self.them).finish_non_exhaustive()
    }
}

impl<P: Platform> fmt::Debug for Admitted<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::New(link) => f.debug_tuple("New").field(link).finish(),
            Self::Resumed(link, _) => f.debug_tuple("Resumed").field(link).finish(),
        }
    }
}

impl<P: Platform> fmt::Debug for Notice<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Joined(peer) => f.debug_tuple("Joined").field(peer).finish(),
            Self::Left(link) => f.debug_tuple("Left").field(link).finish(),
            Self::Wanted { peer, .. } => f.debug_tuple("Wanted").field(peer).finish(),
        }
    }
}
