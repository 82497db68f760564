//! One connection: from its handshake, through the session that it carries, to its goodbye.
//!
//! It does not know what carries its messages: the platform's socket hands it what comes in, and
//! writes what its [`Out`] has.

pub(crate) mod carry;
pub(crate) mod goodbye;
mod handshake;
mod next;
pub(crate) mod out;

use std::fmt;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;

use bytes::Bytes;
use futures_channel::oneshot;

use self::next::Side;
pub use self::next::{Asked, Next};
use super::link::{Comer, Room, Turn};
use super::{Epoch, Goodbye, Link, Out, Platform, Shared};
use crate::auth::Visitor;
use crate::identity::peer_id::PeerId;
use crate::util::time::Moment;
use crate::wire::frame::Reject;
use crate::wire::handshake::{Introduced, Invitation};

/// What whoever dialled learns. If it is dropped, the connection was lost before the session was
/// open.
pub type Opened<P> = oneshot::Sender<Result<Arc<Link<P>>, Reject>>;

/// One connection, as whoever reads it sees it.
pub struct Connection<P: Platform> {
    shared: Arc<Shared<P>>,
    /// The only peer that will do at the other end.
    wanted: Option<PeerId>,
    /// Where we have dialled, if that is known.
    address: Option<SocketAddr>,
    stage: Stage<P>,
    out: Rc<Out<P>>,
    writes_after_reading: bool,
    is_late: bool,
}

enum Stage<P: Platform> {
    /// We accepted, and wait for a hello.
    Accepting(Visitor, Invitation),
    /// We dialled, and wait to be invited; perhaps to go on with a session.
    Dialling {
        old: Option<Arc<Link<P>>>,
        opened: Option<Opened<P>>,
    },
    /// We have introduced ourselves, and wait for the answer.
    Introduced {
        introduced: Introduced,
        old: Option<Arc<Link<P>>>,
        opened: Option<Opened<P>>,
    },
    /// The control plane decides.
    Deciding,
    /// We have said welcome, and the session is not this connection's before something is heard on
    /// it.
    Welcomed(Welcomed<P>),
    Carrying {
        link: Arc<Link<P>>,
        epoch: Epoch,
    },
    Over,
}

enum Welcomed<P: Platform> {
    /// To a new session.
    New(Arc<Link<P>>, Epoch),
    /// Back to one that was there.
    Back { link: Arc<Link<P>>, comer: Comer, visitor: Visitor, kill: P::Kill },
}

impl<P: Platform> Connection<P> {
    /// A connection that the other side made, which is this visitor.
    #[must_use]
    pub fn accepted(shared: Arc<Shared<P>>, visitor: Visitor) -> Self {
        let (out, invitation) = (Rc::<Out<P>>::default(), Invitation::new());
        out.push(invitation.frame());
        Self::new(shared, Stage::Accepting(visitor, invitation), out)
    }

    /// A connection that we made, to go on with `old` if there is one.
    #[must_use]
    pub fn dialled(shared: Arc<Shared<P>>, old: Option<Arc<Link<P>>>, opened: Opened<P>) -> Self {
        Self::new(shared, Stage::Dialling { old, opened: Some(opened) }, Rc::default())
    }

    fn new(shared: Arc<Shared<P>>, stage: Stage<P>, out: Rc<Out<P>>) -> Self {
        Self { shared, wanted: None, address: None, stage, out, writes_after_reading: false, is_late: false }
    }

    /// Whoever reads it looks whether there is something to write after that, before it waits, and
    /// need not be woken for what follows from what it has read.
    #[must_use]
    pub fn writes_after_reading(mut self) -> Self {
        self.writes_after_reading = true;
        self
    }

    /// Accepts no other peer at the other end than this one, if it is one.
    #[must_use]
    pub fn wanting(mut self, peer: Option<PeerId>) -> Self {
        self.wanted = peer;
        self
    }

    /// It leads to this address.
    #[must_use]
    pub fn at(mut self, address: Option<SocketAddr>) -> Self {
        self.address = address;
        self
    }

    /// The peer whose connection it is.
    pub fn shared(&self) -> &Arc<Shared<P>> {
        &self.shared
    }

    /// What its writer takes.
    pub fn out(&self) -> &Rc<Out<P>> {
        &self.out
    }

    /// Whether the session may have something to write. It costs no lock, and may be wrong when it
    /// says so.
    pub fn has_output(&self) -> bool {
        match &self.stage {
            Stage::Carrying { link, epoch } => !link.is_quiet(*epoch),
            _ => false,
        }
    }

    /// Takes a binary message that came in at this moment, from which its time counts. `kill`
    /// makes what ends this connection.
    pub fn receive(&mut self, arrived: Moment, message: Bytes, kill: impl FnOnce() -> P::Kill) -> Next<P> {
        if let Stage::Welcomed(_) = self.stage
            && let Some(next) = self.answered(&message)
        {
            return next;
        }
        if let Stage::Carrying { link, epoch } = &self.stage {
            let _turn = self.writes_after_reading.then(|| Turn::of(link));
            return match link.receive(*epoch, arrived, message) {
                Ok(Room::Free) => Next::Read,
                Ok(Room::None) => Next::Pause(Arc::clone(link)),
                Err(violation) => self.violated(&violation),
            };
        }
        self.introduce(message, kill)
    }

    /// Everything that has come is read. Has those calls run that waited for that, because a block
    /// held the thread while they came.
    pub fn caught_up(&self) {
        if let Stage::Carrying { link, .. } = &self.stage {
            link.caught_up();
        }
    }

    /// Whether calls wait until [`caught_up`](Self::caught_up) is called.
    pub fn is_held_up(&self) -> bool {
        matches!(&self.stage, Stage::Carrying { link, .. } if link.is_held_up())
    }

    /// A close frame has come, with whatever code or with none. It may be a proxy's, so the
    /// connection is lost and nothing else: the other side ends a session with a frame of its
    /// own, which nothing on the way can make.
    pub fn closed(&mut self) -> Next<P> {
        tracing::debug!(peer = %self.shared.id(), stage = ?self.stage, "connection closed");
        Next::Stop
    }

    /// What ends the session at the other side, if this connection carries one: for a program that
    /// ends with no time to write.
    pub fn last_frame(&self) -> Option<Bytes> {
        match &self.stage {
            Stage::Carrying { link, .. } | Stage::Welcomed(Welcomed::New(link, _)) => Some(link.last_frame()),
            _ => None,
        }
    }

    /// The program ends, and this connection with it: closes the session that it carries. What it
    /// has to say then is to be written at once.
    pub fn ended(&mut self) {
        let goodbye = Goodbye::away("the program has ended");
        if let Stage::Carrying { link, .. } = &self.stage {
            link.close(goodbye.clone());
        }
        self.out.goodbye(goodbye);
    }

    fn violated(&mut self, violation: &(impl fmt::Display + ?Sized)) -> Next<P> {
        self.broken(Goodbye::protocol(&violation.to_string()))
    }

    /// The other side broke the protocol, below the frames or in them: its session ends.
    pub fn broken(&mut self, goodbye: Goodbye) -> Next<P> {
        if let Some(left_out) = self.shared.lines().violations.next(self.shared.now()) {
            let peer = self.shared.id();
            tracing::warn!(%peer, error = goodbye.reason, left_out, "the other side broke the protocol");
        }
        self.out.goodbye(goodbye.clone());
        if let Stage::Carrying { link, .. } = std::mem::replace(&mut self.stage, Stage::Over) {
            link.close(goodbye);
        }
        Next::Stop
    }

    /// Nothing more will be read. A session that it carried waits for another connection.
    pub fn stopped(&mut self) {
        match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::Carrying { link, epoch } | Stage::Welcomed(Welcomed::New(link, epoch)) => {
                link.caught_up();
                link.detach(epoch);
            }
            _ => {}
        }
        self.out.goodbye(Goodbye::normal(""));
    }
}

impl<P: Platform> fmt::Debug for Connection<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("stage", &self.stage).finish_non_exhaustive()
    }
}

impl<P: Platform> fmt::Debug for Stage<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Accepting(..) => "Accepting",
            Self::Dialling { .. } => "Dialling",
            Self::Introduced { .. } => "Introduced",
            Self::Deciding => "Deciding",
            Self::Welcomed(_) => "Welcomed",
            Self::Carrying { .. } => "Carrying",
            Self::Over => "Over",
        })
    }
}
