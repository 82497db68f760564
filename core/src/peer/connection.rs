//! One connection: from its handshake, through the session that it carries, to its goodbye.
//!
//! It does not know what carries its messages: the platform's socket hands it what comes in, and writes what its
//! [`Out`] has.

use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

use bytes::Bytes;
use futures_channel::oneshot;

use super::link::Room;
use super::{Admitted, Epoch, Goodbye, Join, Link, Out, Platform, Shared};
use crate::auth::Visitor;
use crate::frame::{Hello, Reject, Welcome};
use crate::handshake;

/// What whoever dialled learns. If it is dropped, the connection was lost before the session was open.
pub type Opened<P> = oneshot::Sender<Result<Arc<Link<P>>, Reject>>;

/// One connection, as whoever reads it sees it.
pub struct Connection<P: Platform> {
    shared: Arc<Shared<P>>,
    stage: Stage<P>,
    out: Rc<Out<P>>,
}

enum Stage<P: Platform> {
    /// We accepted, and wait for a hello.
    Accepting(Visitor),
    /// We dialled, and wait for the answer; perhaps to go on with a session.
    Dialling {
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
    Accepting { received: Option<u64> },
    Dialling { opened: Option<Opened<P>> },
}

impl<P: Platform> Connection<P> {
    /// A connection that the other side made, which is this visitor.
    #[must_use]
    pub fn accepted(shared: Arc<Shared<P>>, visitor: Visitor) -> Self {
        Self { shared, stage: Stage::Accepting(visitor), out: Rc::default() }
    }

    /// A connection that we made, to go on with `old` if there is one.
    #[must_use]
    pub fn dialled(shared: Arc<Shared<P>>, old: Option<Arc<Link<P>>>, opened: Opened<P>) -> Self {
        let out = Rc::<Out<P>>::default();
        let resume = old.as_ref().and_then(|link| link.resume());
        out.push(handshake::hello(shared.introduction(), resume));
        Self { shared, stage: Stage::Dialling { old, opened: Some(opened) }, out }
    }

    /// The peer whose connection it is.
    pub fn shared(&self) -> &Arc<Shared<P>> {
        &self.shared
    }

    /// What its writer takes.
    pub fn out(&self) -> &Rc<Out<P>> {
        &self.out
    }

    /// Takes a binary message that came in. `kill` makes what ends this connection.
    pub fn receive(&mut self, message: Bytes, kill: impl FnOnce() -> P::Kill) -> Next<P> {
        if let Stage::Carrying { link, epoch } = &self.stage {
            return match link.receive(*epoch, message) {
                Ok(Room::Free) => Next::Read,
                Ok(Room::None) => Next::Pause(Arc::clone(link)),
                Err(violation) => self.violated(&violation),
            };
        }
        let us = self.shared.introduction();
        match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::Accepting(visitor) => match handshake::accept(us, message) {
                Ok(Ok(hello)) => self.greeted(visitor, hello, kill()),
                Ok(Err(reject)) => self.reject(&reject),
                Err(violation) => self.violated(&violation),
            },
            Stage::Dialling { old, opened } => match handshake::dialled(us, message) {
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

    fn greeted(&mut self, visitor: Visitor, hello: Hello, kill: P::Kill) -> Next<P> {
        self.stage = Stage::Deciding;
        let received = hello.resume.map(|resume| resume.received);
        let join = Join { visitor, them: hello.from, ticket: None, resume: hello.resume, kill };
        Next::Ask(Box::new(join), Asked(Side::Accepting { received }))
    }

    fn welcomed(
        &mut self,
        welcome: Welcome,
        old: Option<Arc<Link<P>>>,
        opened: Option<Opened<P>>,
        kill: P::Kill,
    ) -> Next<P> {
        if let Some(old) = old {
            if let Some(received) = welcome.resumed {
                return self.go_on(old, received, opened, kill);
            }
            old.close(Goodbye::normal("the other side no longer has the session"));
        }
        self.stage = Stage::Deciding;
        let ticket = Some((welcome.session, welcome.token));
        // We chose whom to dial, and know no more of it.
        let visitor = Visitor::default();
        let join = Join { visitor, them: welcome.from, ticket, resume: None, kill };
        Next::Ask(Box::new(join), Asked(Side::Dialling { opened }))
    }

    /// The control plane has decided.
    pub fn decided(&mut self, verdict: Result<Admitted<P>, Reject>, Asked(side): Asked<P>) -> Next<P> {
        match (verdict, side) {
            (Ok(Admitted::New(link)), side) => {
                let epoch = link.epoch();
                match side {
                    Side::Accepting { .. } => self.welcome(&link, None),
                    Side::Dialling { opened } => tell(opened, Ok(Arc::clone(&link))),
                }
                self.carry(link, epoch)
            }
            (Ok(Admitted::Resumed(link, kill)), Side::Accepting { received }) => {
                match link.attach(received.unwrap_or_default(), kill) {
                    Ok(epoch) => {
                        let received = link.resume().map(|resume| resume.received);
                        self.welcome(&link, received);
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

    fn welcome(&self, link: &Link<P>, resumed: Option<u64>) {
        let window = self.shared.limits().resume;
        self.out.push(handshake::welcome(self.shared.introduction(), link.ticket(), window, resumed));
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

    /// To be called [`Limits::handshake`](crate::Limits::handshake) after the connection was made: closes it if the other
    /// side has not introduced itself by then.
    pub fn late(&mut self) -> Next<P> {
        match &mut self.stage {
            Stage::Accepting(_) => self.reject(&Reject::Late),
            Stage::Dialling { opened, .. } => {
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
            Self::Accepting(_) => "Accepting",
            Self::Dialling { .. } => "Dialling",
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
            Side::Accepting { .. } => "Asked(Accepting)",
            Side::Dialling { .. } => "Asked(Dialling)",
        })
    }
}
