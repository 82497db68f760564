//! From the first message on a connection to the session that it carries.

use std::sync::Arc;

use bytes::Bytes;

use super::{Asked, Connection, Next, Opened, Side, Stage, Welcomed};
use crate::auth::Visitor;
use crate::peer::{Admitted, Epoch, Goodbye, Join, Link, Platform};
use crate::wire::frame::{self, Frame, Reject, Welcome};
use crate::wire::handshake::{self, Guest};

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
                // The acknowledgement in the hello must stay true until the session is resumed. So
                // nothing more is taken from a connection that still carries the session, which
                // happens when the principal changes.
                if let Some(old) = old.as_ref().filter(|old| old.is_attached()) {
                    old.drop_connection();
                }
                let ticket = old.as_ref().and_then(|link| link.resume());
                match handshake::answer(us, ticket, message) {
                    Ok(Ok((hello, introduced))) => {
                        self.out.push(hello);
                        self.stage = Stage::Introduced { introduced, old, opened };
                        Next::Read
                    }
                    Ok(Err(reject)) => {
                        let _ = tell(opened, Err(reject));
                        Next::Stop
                    }
                    Err(violation) => self.violated(&violation),
                }
            }
            Stage::Introduced { introduced, old, opened } => match introduced.welcomed(us, message) {
                // The dialling caller has given this connection up.
                Ok(Ok(_)) if opened.as_ref().is_none_or(|opened| opened.is_canceled()) => {
                    self.reject(&Reject::Late)
                }
                Ok(Ok(welcome)) => self.welcomed(welcome, old, opened, kill()),
                Ok(Err(reject)) => {
                    tell(opened, Err(end_of(old, reject)));
                    Next::Stop
                }
                Err(violation) => self.violated(&violation),
            },
            Stage::Deciding => self.violated(&"it did not wait for the answer to its hello"),
            Stage::Welcomed(_) | Stage::Carrying { .. } | Stage::Over => Next::Read,
        }
    }

    fn greeted(&mut self, visitor: Visitor, guest: Guest, kill: P::Kill) -> Next<P> {
        self.stage = Stage::Deciding;
        let guest = Arc::new(guest);
        let join = Join::Accepted { visitor, guest: Arc::clone(&guest), kill, has_asked: false };
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
                return self.violated(&"unexpected resume of another session");
            }
            (frame::Opened::New { session, token }, _) => (session, token),
        };
        if let Some(old) = old {
            old.lose(Goodbye::normal("the other side no longer has the session"));
        }
        self.stage = Stage::Deciding;
        let join = Join::Dialled { them: welcome.from, address: self.address, ticket, kill };
        Next::Ask(Box::new(join), Asked(Side::Dialling { opened }))
    }

    /// The control plane has decided.
    pub fn decided(&mut self, verdict: Result<Admitted<P>, Reject>, Asked(side): Asked<P>) -> Next<P> {
        match (verdict, side) {
            (Ok(Admitted::New(link)), Side::Accepting(_)) if self.is_late => {
                link.lose(Goodbye::policy(&Reject::Late.to_string()));
                self.reject(&Reject::Late)
            }
            (Ok(Admitted::Resumed(..)), Side::Accepting(_)) if self.is_late => self.reject(&Reject::Late),
            (Ok(Admitted::New(link)), Side::Accepting(guest)) => {
                let (epoch, window) = (link.epoch(), self.shared.limits().resume_window);
                self.out.push(guest.welcome(self.shared.us(), link.ticket(), window));
                self.out.carry(Arc::clone(&link), epoch);
                self.stage = Stage::Welcomed(Welcomed::New(link, epoch));
                Next::Read
            }
            (Ok(Admitted::New(link)), Side::Dialling { opened }) => {
                let epoch = link.epoch();
                if !tell(opened, Ok(Arc::clone(&link))) {
                    link.close(Goodbye::normal("who dialled does not wait any longer"));
                }
                self.carry(link, epoch)
            }
            (Ok(Admitted::Resumed(link, visitor, kill)), Side::Accepting(guest)) => {
                let received = guest.resumes().map_or(0, |(_, received)| received);
                match link.expect(received) {
                    Ok(comer) => {
                        let (us, window) = (self.shared.us(), self.shared.limits().resume_window);
                        let (_, token) = link.ticket();
                        self.out.push(guest.welcome_back(us, &token, comer.we_received, window));
                        self.stage = Stage::Welcomed(Welcomed::Back { link, comer, visitor, kill });
                        Next::Read
                    }
                    Err(_) => {
                        // The other side ends the session when it receives that, and opens another
                        // one under its id. If this hello is an old one that was delayed on the
                        // network, the session itself is intact, and only its connection has to be
                        // made again.
                        link.drop_connection();
                        self.reject(&Reject::Lost)
                    }
                }
            }
            (Ok(Admitted::Resumed(..) | Admitted::Contested(..)), Side::Dialling { .. })
            | (Ok(Admitted::Contested(..)), Side::Accepting(_)) => {
                debug_assert!(
                    false,
                    "a dialler asks for new sessions only, and what is contested is settled"
                );
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

    /// The other side still has our session, and this many of our frames.
    fn go_on(
        &mut self,
        link: Arc<Link<P>>,
        received: u64,
        opened: Option<Opened<P>>,
        kill: P::Kill,
    ) -> Next<P> {
        match link.attach(received, kill) {
            Ok(epoch) => {
                link.is_at(self.address);
                tell(opened, Ok(Arc::clone(&link)));
                self.carry(link, epoch)
            }
            Err(lost) => {
                link.lose(Goodbye::normal(&lost.to_string()));
                tell(opened, Err(Reject::Lost));
                self.reject(&Reject::Lost)
            }
        }
    }

    /// Something has arrived after the welcome. The connection belongs to the session from here,
    /// unless the other side rejects it. Returns what follows if nothing else is to be done.
    pub(super) fn answered(&mut self, message: &Bytes) -> Option<Next<P>> {
        let Stage::Welcomed(welcomed) = std::mem::replace(&mut self.stage, Stage::Over) else { return None };
        if let Ok(Frame::Reject(reject)) = Frame::decode(message.clone()) {
            tracing::debug!(peer = %self.shared.id(), %reject, "session rejected by the remote peer");
            match welcomed {
                // The other side has just proved that it has the session's token.
                Welcomed::Back { link, .. } if reject == Reject::Lost => link.lose(Goodbye::normal("")),
                Welcomed::Back { .. } => {}
                // No connection will ever resume it.
                Welcomed::New(link, _) => link.close(Goodbye::normal("")),
            }
            self.out.goodbye(Goodbye::normal(""));
            return Some(Next::Stop);
        }
        match welcomed {
            Welcomed::New(link, epoch) => self.stage = Stage::Carrying { link, epoch },
            Welcomed::Back { link, comer, visitor, kill } => {
                let Some(epoch) = link.take_over(comer, visitor, kill) else {
                    let remote = link.remote();
                    tracing::debug!(peer = %self.shared.id(), %remote, "connection dropped: too late to resume its session");
                    self.out.goodbye(Goodbye::normal("the session continues on another connection"));
                    return Some(Next::Stop);
                };
                // The connection now carries the session.
                let _ = self.carry(link, epoch);
            }
        }
        None
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
        if let Some(left_out) = self.shared.lines().refused_sessions.next(self.shared.now()) {
            tracing::warn!(peer = %self.shared.id(), %reject, left_out, "session refused");
        }
        self.out.push(handshake::reject(reject.clone()));
        self.stage = Stage::Over;
        self.out.goodbye(Goodbye::policy(&reject.to_string()));
        Next::Stop
    }

    /// Whether both sides have introduced themselves and sent something after that, so that
    /// [`late`](Self::late) no longer applies.
    pub fn is_introduced(&self) -> bool {
        matches!(self.stage, Stage::Carrying { .. } | Stage::Over)
    }

    /// Has to be called [`Limits::handshake_timeout`](crate::Limits::handshake_timeout) after the
    /// connection was made: closes it if the other side has not introduced itself by then.
    pub fn late(&mut self) -> Next<P> {
        match &mut self.stage {
            Stage::Accepting(..) => self.reject(&Reject::Late),
            Stage::Dialling { opened, .. } | Stage::Introduced { opened, .. } => {
                tell(opened.take(), Err(Reject::Late));
                self.reject(&Reject::Late)
            }
            Stage::Deciding => {
                self.is_late = true;
                Next::Read
            }
            // The other side may have the welcome, and must not be rejected any more: it
            // reconnects, as after any other loss.
            Stage::Welcomed(_) => {
                tracing::debug!(peer = %self.shared.id(), "connection dropped: nothing received after the welcome");
                Next::Stop
            }
            Stage::Carrying { .. } | Stage::Over => Next::Read,
        }
    }
}

/// A session that was not resumed is over if the other side no longer has it. Returns the reason
/// to report.
fn end_of<P: Platform>(old: Option<Arc<Link<P>>>, reject: Reject) -> Reject {
    let Some(old) = old.filter(|_| matches!(reject, Reject::Lost | Reject::Replaced)) else { return reject };
    // If the session has ended meanwhile, because the other side has opened another one, it was
    // replaced by that session and not by another peer.
    let was_alive = old.is_alive();
    old.lose(Goodbye::normal("the other side cannot go on with the session"));
    if was_alive { reject } else { Reject::Lost }
}

/// Returns false if the dialling caller no longer waits.
fn tell<P: Platform>(opened: Option<Opened<P>>, result: Result<Arc<Link<P>>, Reject>) -> bool {
    opened.is_some_and(|opened| opened.send(result).is_ok())
}
