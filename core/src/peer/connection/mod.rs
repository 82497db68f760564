//! One connection: its handshake, the session that it carries, and its goodbye.
//!
//! It is independent of the transport of its messages: the platform's socket passes it incoming
//! messages, and writes what its [`Out`] has.

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

use self::goodbye::PROGRAM_ENDED;
use self::next::Side;
pub use self::next::{Asked, Next};
use super::link::{Comer, Room, Turn};
use super::{Epoch, Goodbye, Link, Out, Platform, Shared};
use crate::auth::Visitor;
use crate::identity::peer_id::PeerId;
use crate::util::time::Moment;
use crate::wire::frame::Reject;
use crate::wire::handshake::{Introduced, Invitation};

/// The result for the dialling caller. If it is dropped, the connection was lost before the
/// session was open.
pub type Opened<P> = oneshot::Sender<Result<Arc<Link<P>>, Reject>>;

/// One connection, as seen by the task that reads it.
pub struct Connection<P: Platform> {
    shared: Arc<Shared<P>>,
    /// The only peer that is accepted at the other end.
    wanted: Option<PeerId>,
    /// The address that was dialled, if it is known.
    address: Option<SocketAddr>,
    stage: Stage<P>,
    out: Rc<Out<P>>,
    writes_after_reading: bool,
    is_late: bool,
}

enum Stage<P: Platform> {
    /// This side accepted, and waits for a hello.
    Accepting(Visitor, Invitation),
    /// This side dialled, and waits for an invitation, possibly to resume a session.
    Dialling {
        old: Option<Arc<Link<P>>>,
        opened: Option<Opened<P>>,
    },
    /// This side has introduced itself, and waits for the answer.
    Introduced {
        introduced: Introduced,
        old: Option<Arc<Link<P>>>,
        opened: Option<Opened<P>>,
    },
    /// The control plane decides.
    Deciding,
    /// This side has sent its welcome. The connection belongs to the session when something
    /// arrives on it.
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
    /// To an existing session.
    Back { link: Arc<Link<P>>, comer: Comer, visitor: Visitor, kill: P::Kill },
}

impl<P: Platform> Connection<P> {
    /// A connection that the other side made, with this visitor.
    #[must_use]
    pub fn accepted(shared: Arc<Shared<P>>, visitor: Visitor) -> Self {
        let (out, invitation) = (Rc::<Out<P>>::default(), Invitation::new());
        out.push(invitation.frame());
        Self::new(shared, Stage::Accepting(visitor, invitation), out)
    }

    /// A connection that this side made, to resume `old` if there is one.
    #[must_use]
    pub fn dialled(shared: Arc<Shared<P>>, old: Option<Arc<Link<P>>>, opened: Opened<P>) -> Self {
        Self::new(shared, Stage::Dialling { old, opened: Some(opened) }, Rc::default())
    }

    fn new(shared: Arc<Shared<P>>, stage: Stage<P>, out: Rc<Out<P>>) -> Self {
        Self { shared, wanted: None, address: None, stage, out, writes_after_reading: false, is_late: false }
    }

    /// The task that reads the connection also checks for output after that, before it waits. It
    /// need not be woken for output that follows from what it has read.
    #[must_use]
    pub fn writes_after_reading(mut self) -> Self {
        self.writes_after_reading = true;
        self
    }

    /// Accepts only this peer at the other end, if one is given.
    #[must_use]
    pub fn wanting(mut self, peer: Option<PeerId>) -> Self {
        self.wanted = peer;
        self
    }

    /// Sets the address that the connection leads to.
    #[must_use]
    pub fn at(mut self, address: Option<SocketAddr>) -> Self {
        self.address = address;
        self
    }

    /// The peer that the connection belongs to.
    pub fn shared(&self) -> &Arc<Shared<P>> {
        &self.shared
    }

    /// The output for its writer.
    pub fn out(&self) -> &Rc<Out<P>> {
        &self.out
    }

    /// Whether the session may have output. It takes no lock, and may be a false positive.
    pub fn has_output(&self) -> bool {
        match &self.stage {
            Stage::Carrying { link, epoch } => !link.is_quiet(*epoch),
            _ => false,
        }
    }

    /// Takes a binary message that arrived at `arrived`, from which its time counts. `kill`
    /// creates the handle that ends this connection.
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

    /// Everything that has arrived is read. Runs the calls that waited for that, because a block
    /// held the thread while they arrived.
    pub fn caught_up(&self) {
        if let Stage::Carrying { link, .. } = &self.stage {
            link.caught_up();
        }
    }

    /// Whether calls wait until [`caught_up`](Self::caught_up) is called.
    pub fn is_held_up(&self) -> bool {
        matches!(&self.stage, Stage::Carrying { link, .. } if link.is_held_up())
    }

    /// A close frame has arrived, with any code or without one. A proxy may have sent it, so only
    /// the connection is lost. The other side ends a session with a frame of its own, which no
    /// proxy can forge.
    pub fn closed(&mut self) -> Next<P> {
        tracing::debug!(peer = %self.shared.id(), stage = ?self.stage, "connection closed");
        Next::Stop
    }

    /// The frame that ends the session at the other side, if this connection carries one. It is
    /// for a program that ends without time to write.
    pub fn last_frame(&self) -> Option<Bytes> {
        match &self.stage {
            Stage::Carrying { link, .. } | Stage::Welcomed(Welcomed::New(link, _)) => {
                Some(link.last_frame(PROGRAM_ENDED))
            }
            _ => None,
        }
    }

    /// The program ends, and this connection with it: closes the session that it carries. Its
    /// output then has to be written at once.
    pub fn ended(&mut self) {
        let goodbye = Goodbye::away(PROGRAM_ENDED);
        if let Stage::Carrying { link, .. } = &self.stage {
            link.close(goodbye.clone());
        }
        self.out.goodbye(goodbye);
    }

    fn violated(&mut self, violation: &(impl fmt::Display + ?Sized)) -> Next<P> {
        self.broken(Goodbye::protocol(&violation.to_string()))
    }

    /// The other side violated the protocol, below the frames or in them: its session ends.
    pub fn broken(&mut self, goodbye: Goodbye) -> Next<P> {
        if let Some(left_out) = self.shared.lines().violations.next(self.shared.now()) {
            let peer = self.shared.id();
            tracing::warn!(%peer, error = goodbye.reason, left_out, "protocol violation by the remote peer");
        }
        self.out.goodbye(goodbye.clone());
        if let Stage::Carrying { link, .. } = std::mem::replace(&mut self.stage, Stage::Over) {
            link.lose(goodbye);
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
