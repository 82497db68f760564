//! How the two peers connect and disconnect, and what they send to each other.

use bytes::Bytes;
use distributed_scope_core::PeerId;
use distributed_scope_core::frame::{Frame, Framed, Opened, SessionId, Token, Welcome};
use distributed_scope_core::handshake::{self, Invitation, Ticket};
use distributed_scope_core::session::{Dead, Session};

use crate::pipe::{Connection, Fault};
use crate::world::{ACCEPTOR, DIALLER, Event, Flow, Side, World, moment};

const ACK: u8 = 7;
const CHUNK: u8 = 8;
const PING: u8 = 13;
/// The header of a chunk does not count towards the window.
const CHUNK_HEAD: usize = 12;

impl World {
    pub(crate) fn dial(&mut self) {
        let side = &mut self.sides[DIALLER];
        if side.connection.is_some() {
            return;
        }
        let connection = self.connections.len();
        self.connections.push(Connection::default());
        let received = side.session.as_ref().filter(|session| session.is_alive()).map(Session::received);
        let ticket = side.ticket.zip(received);
        let peer = PeerId::named("acceptor");
        let ticket = ticket.map(|((session, token), received)| Ticket { session, token, received, peer });
        side.connection = Some(connection);
        side.is_shaking = true;
        // The invitation changes nothing in a session, so it has no delay and is not lost.
        let invitation = Invitation::new();
        let answered = handshake::answer(&side.us, ticket, invitation.frame());
        let (hello, introduced) = answered.expect("an invitation").expect("that fits");
        self.handshakes.push((Some(invitation), introduced));
        self.send(connection, DIALLER, hello);
        self.after(5_000_000, Event::Late(connection));
    }

    /// Something came on a connection. What comes on one that is no longer used must change
    /// nothing.
    pub(crate) fn arrives(&mut self, connection: usize, from: usize) {
        let to = 1 - from;
        if self.sides[to].connection == Some(connection) {
            return;
        }
        while let Some(frame) = self.connections[connection].arrive(from, self.now) {
            let now = self.moment();
            let side = &mut self.sides[to];
            if to == ACCEPTOR && side.newest_connection.is_none_or(|newest| newest < connection) {
                side.newest_connection = Some(connection);
                self.accept(connection, frame);
                return;
            }
            if let Some(session) = side.session.as_mut().filter(|session| !session.is_carried()) {
                let before = session.received();
                assert!(matches!(session.receive(now, frame), Ok(None)), "a late frame has an effect");
                assert_eq!(session.received(), before, "a late frame is counted");
            }
        }
    }

    fn accept(&mut self, connection: usize, message: Bytes) {
        let now = self.moment();
        let invitation = self.handshakes[connection].0.take().expect("a connection is accepted once");
        let guest = invitation.accept(&self.sides[ACCEPTOR].us, message);
        let guest = guest.expect("a hello").expect("that fits");
        self.hang_up(ACCEPTOR);
        let side = &mut self.sides[ACCEPTOR];
        let resume = guest.resumes().filter(|(session, _)| {
            side.ticket.is_some_and(|(ours, token)| ours == *session && guest.has(&token))
        });
        let resumed = match (resume, &mut side.session) {
            (Some((_, received)), Some(session)) => match session.attach(received, now) {
                Ok(()) => {
                    side.flow = Flow { number: received, ..Flow::default() };
                    Some(session.received())
                }
                Err(_) => None,
            },
            _ => None,
        };
        if resumed.is_none() {
            let (id, token) = (self.random.next(), self.random.next() as u8);
            self.close_session(ACCEPTOR);
            let side = &mut self.sides[ACCEPTOR];
            side.ticket = Some((SessionId(u128::from(id).to_le_bytes()), Token([token; 32])));
            side.begin(Session::accepted(side.limits.clone(), guest.introduction(), now));
        }
        let side = &mut self.sides[ACCEPTOR];
        side.connection = Some(connection);
        side.last_heard = self.now;
        let ticket = side.ticket.expect("it was just given");
        let welcome = match resumed {
            Some(received) => guest.welcome_back(&side.us, &ticket.1, received, side.limits.resume_window),
            None => guest.welcome(&side.us, ticket, side.limits.resume_window),
        };
        self.send(connection, ACCEPTOR, welcome);
    }

    fn welcomed(&mut self, connection: usize, message: Bytes) {
        let now = self.moment();
        let side = &mut self.sides[DIALLER];
        let welcome = self.handshakes[connection].1.welcomed(&side.us, message);
        let Welcome { from, opened, .. } = welcome.expect("a welcome").expect("that fits");
        side.is_shaking = false;
        side.last_heard = self.now;
        if let (Opened::Resumed { received, .. }, Some(session)) = (opened, &mut side.session)
            && session.is_alive()
        {
            if session.attach(received, now).is_ok() {
                side.flow = Flow { number: received, ..Flow::default() };
                return;
            }
            // The frames that the acceptor lacks were discarded: the next connection begins a new
            // session.
            self.close_session(DIALLER);
            self.hang_up(DIALLER);
            return;
        }
        let Opened::New { session, token } = opened else {
            // The session ended here while the connection for it was being made.
            self.hang_up(DIALLER);
            return;
        };
        self.close_session(DIALLER);
        let side = &mut self.sides[DIALLER];
        side.ticket = Some((session, token));
        side.begin(Session::dialled(side.limits.clone(), &from, now));
    }

    /// Takes what has arrived, unless so much waits to be sent that nothing should be read.
    pub(crate) fn read(&mut self, to: usize) {
        while let Some(connection) = self.sides[to].connection {
            if !self.sides[to].is_shaking
                && self.sides[to].session.as_ref().is_some_and(Session::is_backpressured)
            {
                return;
            }
            let Some(frame) = self.connections[connection].arrive(1 - to, self.now) else { return };
            if self.sides[to].is_shaking {
                self.welcomed(connection, frame);
                continue;
            }
            let now = self.moment();
            let side = &mut self.sides[to];
            side.last_heard = self.now;
            if frame[0] == ACK
                && let Ok(Frame::Ack(received)) = Frame::decode(frame.clone())
            {
                side.flow.chunks.retain(|(number, _)| *number >= received);
            }
            let session = side.session.as_mut().expect("whoever is connected has a session");
            match session.receive(now, frame) {
                Ok(effect) => self.apply(to, effect.into_iter().collect()),
                Err(violation) => panic!("an honest peer is accused: {violation}"),
            }
        }
    }

    /// Runs the blocks that had to wait until less waits to be sent.
    pub(crate) fn run_parked(&mut self, side: usize) {
        while let Some(effect) = self.sides[side].session.as_mut().and_then(Session::next_run) {
            self.apply(side, vec![effect]);
        }
    }

    pub(crate) fn write(&mut self, from: usize) {
        while let Side { connection: Some(connection), is_shaking: false, .. } = self.sides[from]
            && self.connections[connection].has_room(from, self.plan.capacity)
        {
            let side = &mut self.sides[from];
            let Some(session) = &mut side.session else { return };
            let has_frame = session.has_frame();
            let frame = session.next_frame(|| moment(self.now)).map(Framed::into_bytes);
            assert_eq!(has_frame, frame.is_some(), "has_frame and next_frame disagree");
            let Some(frame) = frame else { return };
            if frame[0] == CHUNK {
                side.flow.chunks.push_back((side.flow.number, frame.len() - CHUNK_HEAD));
            }
            side.flow.number += u64::from(frame[0] != ACK && frame[0] != PING);
            self.send(connection, from, frame);
            self.run_parked(from);
        }
    }

    fn send(&mut self, connection: usize, from: usize, frame: Bytes) {
        let delay = self.random.between(1, self.plan.latency);
        if let Some(arrival) = self.connections[connection].send(from, frame, self.now, delay) {
            self.at(arrival, Event::Arrive(connection, from));
        }
    }

    pub(crate) fn cut(&mut self) {
        let Some(connection) = self.sides[DIALLER].connection else { return };
        if self.random.percent(25) {
            self.connections[connection].cut(Fault::BlackHole, [0, 0]);
            return;
        }
        let survivors = [DIALLER, ACCEPTOR].map(|side| {
            self.random.between(0, self.connections[connection].on_their_way(side) as u64) as usize
        });
        self.connections[connection].cut(Fault::Cut, survivors);
        for side in [DIALLER, ACCEPTOR] {
            let delay = self.random.between(0, 3 * self.plan.latency);
            self.after(delay, Event::Notice(connection, side));
        }
    }

    pub(crate) fn notices(&mut self, connection: usize, side: usize) {
        if self.sides[side].connection == Some(connection) {
            self.hang_up(side);
        }
    }

    pub(crate) fn is_late(&mut self, connection: usize) {
        if self.sides[DIALLER].is_shaking {
            self.notices(connection, DIALLER);
        }
    }

    /// A side drops its connection, and the other side learns of it sooner or later.
    pub(crate) fn hang_up(&mut self, side: usize) {
        let Some(connection) = self.sides[side].connection.take() else { return };
        self.sides[side].is_shaking = false;
        if let Some(session) = &mut self.sides[side].session {
            session.detach(moment(self.now));
        }
        if self.connections[connection].fault == Fault::None {
            self.connections[connection].cut(Fault::Cut, [usize::MAX; 2]);
            let delay = self.random.between(0, 3 * self.plan.latency);
            self.after(delay, Event::Notice(connection, 1 - side));
        }
        if side == DIALLER {
            let delay = self.random.between(0, self.plan.redial);
            self.after(delay, Event::Dial);
        }
    }

    /// A session takes its connection for dead: it must be right, and not be late. Silence is
    /// counted in whole checks, from the one after the last word, so two of them may be added
    /// to it.
    pub(crate) fn found_dead(&mut self, side: usize, dead: Dead) {
        let Some(connection) = self.sides[side].connection else { return };
        if dead == Dead::Unheard {
            return self.hang_up(side);
        }
        let [ours, theirs] = [side, 1 - side].map(|side| &self.plan.limits[side]);
        let is_backpressured = |side: &Side| side.session.as_ref().is_some_and(Session::is_backpressured);
        if self.connections[connection].fault == Fault::None && !self.sides.iter().any(is_backpressured) {
            panic!("a live partner is taken for dead: {dead}");
        }
        let check = ours.idle_timeout.min(theirs.idle_timeout).min(ours.write_timeout) / 16;
        let noticed_after = self.now - self.sides[side].last_heard;
        assert!(
            u128::from(noticed_after) <= (ours.idle_timeout + 2 * check).as_micros(),
            "{dead}: noticed after {noticed_after} us of {:?} and {check:?}",
            ours.idle_timeout
        );
        self.hang_up(side);
    }
}

impl Side {
    fn begin(&mut self, session: Session<u64>) {
        self.session = Some(session);
        self.flow = Flow::default();
        self.leaves = false;
    }
}
