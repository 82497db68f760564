//! One connection: from its handshake, through the session that it carries, to its goodbye.
//!
//! It does not know what carries its messages: the platform's socket hands it what comes in, and writes what its
//! [`Out`] has.

use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

use bytes::Bytes;
use futures_channel::oneshot;

use super::link::{Room, Turn};
use super::{Admitted, Epoch, Goodbye, Join, Link, Out, Platform, Shared};
use crate::auth::Visitor;
use crate::frame::{self, Reject, Welcome};
use crate::handshake::{self, Guest, Introduced, Invitation};
use crate::id::PeerId;
use crate::time::Moment;

/// What whoever dialled learns. If it is dropped, the connection was lost before the session was open.
pub type Opened<P> = oneshot::Sender<Result<Arc<Link<P>>, Reject>>;

/// One connection, as whoever reads it sees it.
pub struct Connection<P: Platform> {
    shared: Arc<Shared<P>>,
    /// The only peer that will do at the other end.
    wanted: Option<PeerId>,
    stage: Stage<P>,
    out: Rc<Out<P>>,
    writes_after_reading: bool,
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
    Carrying {
        link: Arc<Link<P>>,
        epoch: Epoch,
    },
    Over,
}

/// What whoever reads a connection has to do next.
#[must_use]
pub enum Next<P: Platform> {
    /// Go on reading.
    Read,
    /// Ask the control plane, whose [`Roster`](super::Roster) decides, and pass its answer to [`Connection::decided`].
    /// Nothing is read meanwhile.
    Ask(Box<Join<P>>, Asked<P>),
    /// Read nothing more until this session [has room](Link::until_room).
    Pause(Arc<Link<P>>),
    /// Read nothing more at all.
    Stop,
}

/// What was asked.
pub struct Asked<P: Platform>(Side<P>);

enum Side<P: Platform> {
    Accepting(Arc<Guest>),
    Dialling { opened: Option<Opened<P>> },
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
        Self { shared, wanted: None, stage, out, writes_after_reading: false }
    }

    /// Whoever reads it looks whether there is something to write after that, before it waits, and need not be woken for what follows from
    /// what it has read.
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

    /// The peer whose connection it is.
    pub fn shared(&self) -> &Arc<Shared<P>> {
        &self.shared
    }

    /// What its writer takes.
    pub fn out(&self) -> &Rc<Out<P>> {
        &self.out
    }

    /// Whether the session may have something to write. It costs no lock, and may be wrong when it says so.
    pub fn has_output(&self) -> bool {
        match &self.stage {
            Stage::Carrying { link, epoch } => !link.is_quiet(*epoch),
            _ => false,
        }
    }

    /// Takes a binary message that came in at this moment, from which its time counts. `kill` makes what ends this connection.
    pub fn receive(&mut self, arrived: Moment, message: Bytes, kill: impl FnOnce() -> P::Kill) -> Next<P> {
        if let Stage::Carrying { link, epoch } = &self.stage {
            let _turn = self.writes_after_reading.then(|| Turn::of(link));
            return match link.receive(*epoch, arrived, message) {
                Ok(Room::Free) => Next::Read,
                Ok(Room::None) => Next::Pause(Arc::clone(link)),
                Err(violation) => self.violated(&violation),
            };
        }
        let us = self.shared.us();
        match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::Accepting(visitor, invitation) => match invitation.accept(us, message) {
                Ok(Ok(guest)) => self.greeted(visitor, guest, kill()),
                Ok(Err(reject)) => self.reject(&reject),
                Err(violation) => self.violated(&violation),
            },
            Stage::Dialling { old, opened } => {
                let ticket = old.as_ref().and_then(|link| link.resume());
                match handshake::answer(us, ticket, message) {
                    Ok(Ok((hello, introduced))) => {
                        self.out.push(hello);
                        self.stage = Stage::Introduced { introduced, old, opened };
                        Next::Read
                    }
                    Ok(Err(reject)) => {
                        tell(opened, Err(reject));
                        Next::Stop
                    }
                    Err(violation) => self.violated(&violation),
                }
            }
            Stage::Introduced { introduced, old, opened } => match introduced.welcomed(us, message) {
                Ok(Ok(welcome)) => self.welcomed(welcome, old, opened, kill()),
                Ok(Err(reject)) => {
                    tell(opened, Err(reject));
                    Next::Stop
                }
                Err(violation) => self.violated(&violation),
            },
            Stage::Deciding => self.violated(&"it did not wait for the answer to its hello"),
            Stage::Carrying { .. } | Stage::Over => Next::Read,
        }
    }

    fn greeted(&mut self, visitor: Visitor, guest: Guest, kill: P::Kill) -> Next<P> {
        self.stage = Stage::Deciding;
        let guest = Arc::new(guest);
        let join = Join::Accepted { visitor, guest: Arc::clone(&guest), kill };
        Next::Ask(Box::new(join), Asked(Side::Accepting(guest)))
    }

    fn welcomed(
        &mut self,
        welcome: Welcome,
        old: Option<Arc<Link<P>>>,
        opened: Option<Opened<P>>,
        kill: P::Kill,
    ) -> Next<P> {
        if self.wanted.is_some_and(|wanted| wanted != welcome.from.peer) {
            tell(opened, Err(Reject::WrongPeer));
            return self.reject(&Reject::WrongPeer);
        }
        let ticket = match (welcome.opened, &old) {
            (frame::Opened::Resumed { received, .. }, Some(old)) => {
                return self.go_on(Arc::clone(old), received, opened, kill);
            }
            (frame::Opened::Resumed { .. }, None) => {
                return self.violated(&"it goes on with a session that we did not ask for");
            }
            (frame::Opened::New { session, token }, _) => (session, token),
        };
        if let Some(old) = old {
            old.close(Goodbye::normal("the other side no longer has the session"));
        }
        self.stage = Stage::Deciding;
        let join = Join::Dialled { them: welcome.from, ticket, kill };
        Next::Ask(Box::new(join), Asked(Side::Dialling { opened }))
    }

    /// The control plane has decided.
    pub fn decided(&mut self, verdict: Result<Admitted<P>, Reject>, Asked(side): Asked<P>) -> Next<P> {
        match (verdict, side) {
            (Ok(Admitted::New(link)), side) => {
                let epoch = link.epoch();
                match side {
                    Side::Accepting(guest) => {
                        let window = self.shared.limits().resume;
                        self.out.push(guest.welcome(self.shared.us(), link.ticket(), window));
                    }
                    Side::Dialling { opened } => tell(opened, Ok(Arc::clone(&link))),
                }
                self.carry(link, epoch)
            }
            (Ok(Admitted::Resumed(link, kill)), Side::Accepting(guest)) => {
                let received = guest.resumes().map_or(0, |(_, received)| received);
                match link.attach(received, kill) {
                    Ok(epoch) => {
                        self.welcome_back(&guest, &link);
                        self.carry(link, epoch)
                    }
                    Err(lost) => {
                        link.close(Goodbye::normal(&lost.to_string()));
                        self.reject(&Reject::Lost)
                    }
                }
            }
            (Ok(Admitted::Resumed(..)), Side::Dialling { .. }) => {
                debug_assert!(false, "a dialler asks for new sessions only");
                Next::Stop
            }
            (Err(reject), side) => {
                if let Side::Dialling { opened } = side {
                    tell(opened, Err(reject.clone()));
                }
                self.reject(&reject)
            }
        }
    }

    /// The other side still has our session, and so many of our frames.
    fn go_on(
        &mut self,
        link: Arc<Link<P>>,
        received: u64,
        opened: Option<Opened<P>>,
        kill: P::Kill,
    ) -> Next<P> {
        match link.attach(received, kill) {
            Ok(epoch) => {
                tell(opened, Ok(Arc::clone(&link)));
                self.carry(link, epoch)
            }
            Err(lost) => {
                link.close(Goodbye::normal(&lost.to_string()));
                tell(opened, Err(Reject::Lost));
                self.reject(&Reject::Lost)
            }
        }
    }

    fn welcome_back(&self, guest: &Guest, link: &Link<P>) {
        let (us, window) = (self.shared.us(), self.shared.limits().resume);
        // A session that has ended meanwhile says so itself.
        if let Some(ticket) = link.resume() {
            self.out.push(guest.welcome_back(us, &ticket.token, ticket.received, window));
        }
    }

    fn carry(&mut self, link: Arc<Link<P>>, epoch: Epoch) -> Next<P> {
        tracing::debug!(peer = %self.shared.id(), remote = %link.remote(), connection = ?epoch, "connection carries its session");
        self.out.carry(Arc::clone(&link), epoch);
        if link.is_connected() {
            link.opened();
        }
        self.stage = Stage::Carrying { link, epoch };
        Next::Read
    }

    fn reject(&mut self, reject: &Reject) -> Next<P> {
        tracing::warn!(peer = %self.shared.id(), %reject, "session refused");
        if !matches!(self.stage, Stage::Carrying { .. }) {
            self.out.push(handshake::reject(reject.clone()));
        }
        self.stage = Stage::Over;
        self.out.goodbye(Goodbye::policy(&reject.to_string()));
        Next::Stop
    }

    /// Whether the other side has introduced itself, so that nobody is [`late`](Self::late) any more.
    pub fn is_introduced(&self) -> bool {
        matches!(self.stage, Stage::Deciding | Stage::Carrying { .. } | Stage::Over)
    }

    /// To be called [`Limits::handshake`](crate::Limits::handshake) after the connection was made: closes it if the other
    /// side has not introduced itself by then.
    pub fn late(&mut self) -> Next<P> {
        match &mut self.stage {
            Stage::Accepting(..) => self.reject(&Reject::Late),
            Stage::Dialling { opened, .. } | Stage::Introduced { opened, .. } => {
                tell(opened.take(), Err(Reject::Late));
                self.reject(&Reject::Late)
            }
            Stage::Deciding | Stage::Carrying { .. } | Stage::Over => Next::Read,
        }
    }

    /// The other side said goodbye.
    pub fn closed(&mut self) -> Next<P> {
        if let Stage::Carrying { link, epoch } = &self.stage {
            link.closed_by_them(*epoch);
        }
        Next::Stop
    }

    fn violated(&mut self, violation: &(impl fmt::Display + ?Sized)) -> Next<P> {
        self.broken(Goodbye::protocol(&violation.to_string()))
    }

    /// The other side broke the protocol, below the frames or in them: its session ends.
    pub fn broken(&mut self, goodbye: Goodbye) -> Next<P> {
        tracing::warn!(peer = %self.shared.id(), error = goodbye.reason, "the other side broke the protocol");
        self.out.goodbye(goodbye.clone());
        if let Stage::Carrying { link, .. } = std::mem::replace(&mut self.stage, Stage::Over) {
            link.close(goodbye);
        }
        Next::Stop
    }

    /// Nothing more will be read. A session that it carried waits for another connection.
    pub fn stopped(&mut self) {
        if let Stage::Carrying { link, epoch } = std::mem::replace(&mut self.stage, Stage::Over) {
            link.detach(epoch);
        }
        self.out.goodbye(Goodbye::normal(""));
    }
}

fn tell<P: Platform>(opened: Option<Opened<P>>, result: Result<Arc<Link<P>>, Reject>) {
    if let Some(opened) = opened {
        // Whoever dialled may not wait any longer.
        let _ = opened.send(result);
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
            Self::Carrying { .. } => "Carrying",
            Self::Over => "Over",
        })
    }
}

impl<P: Platform> fmt::Debug for Next<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Read => "Read",
            Self::Ask(..) => "Ask",
            Self::Pause(_) => "Pause",
            Self::Stop => "Stop",
        })
    }
}

impl<P: Platform> fmt::Debug for Asked<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Side::Accepting(_) => "Asked(Accepting)",
            Side::Dialling { .. } => "Asked(Dialling)",
        })
    }
}
