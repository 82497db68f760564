//! From the first word on a connection to the session that it carries.

use std::sync::Arc;

use bytes::Bytes;

use super::{Asked, Connection, Next, Opened, Side, Stage};
use crate::auth::Visitor;
use crate::frame::{self, Reject, Welcome};
use crate::handshake::{self, Guest};
use crate::peer::{Admitted, Epoch, Goodbye, Join, Link, Platform};

impl<P: Platform> Connection<P> {
    /// Takes a message before there is a session.
    pub(super) fn introduce(&mut self, message: Bytes, kill: impl FnOnce() -> P::Kill) -> Next<P> {
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
}

fn tell<P: Platform>(opened: Option<Opened<P>>, result: Result<Arc<Link<P>>, Reject>) {
    if let Some(opened) = opened {
        // Whoever dialled may not wait any longer.
        let _ = opened.send(result);
    }
}
