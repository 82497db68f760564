//! Two peers, the connection between them, and the time that passes for both.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use distributed_scope_core::frame::{CallId, SessionId, Token};
use distributed_scope_core::handshake::{Introduced, Invitation, Us};
use distributed_scope_core::session::{CHUNK, Session};
use distributed_scope_core::{Limits, Moment, PeerId};

use crate::model::{Model, Nonce};
use crate::pipe::Connection;
use crate::plan::Plan;
use crate::random::Random;

/// The side that dials.
pub(crate) const DIALLER: usize = 0;
/// The side that accepts.
pub(crate) const ACCEPTOR: usize = 1;

/// How long a schedule may continue after its last fault, in microseconds.
const PATIENCE: u64 = 1_500_000_000;

pub(crate) struct World {
    pub(crate) now: u64,
    pub(crate) random: Random,
    pub(crate) plan: Plan,
    pub(crate) model: Model,
    pub(crate) sides: [Side; 2],
    pub(crate) connections: Vec<Connection>,
    /// The handshakes on them, of either side.
    pub(crate) handshakes: Vec<(Option<Invitation>, Introduced)>,
    events: BTreeMap<(u64, u64), Event>,
    event_count: u64,
}

/// One peer and its only session.
pub(crate) struct Side {
    pub(crate) limits: Limits,
    pub(crate) us: Us,
    pub(crate) session: Option<Session<Nonce>>,
    pub(crate) ticket: Option<(SessionId, Token)>,
    /// Counts the sessions of this side.
    pub(crate) epoch: u64,
    /// The connection that it has, of all that there were.
    pub(crate) connection: Option<usize>,
    /// The handshake on it is not over.
    pub(crate) is_shaking: bool,
    pub(crate) newest_connection: Option<usize>,
    pub(crate) last_heard: u64,
    pub(crate) leaves: bool,
    /// The calls that it makes.
    pub(crate) open: BTreeMap<Nonce, CallId>,
    /// The blocks that it runs.
    pub(crate) running: BTreeMap<CallId, Running>,
    /// Which running block waits for which of our calls.
    pub(crate) parents: BTreeMap<Nonce, CallId>,
    pub(crate) flow: Flow,
    next_tick: Option<u64>,
}

#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) call: Nonce,
    pub(crate) child: Option<Nonce>,
}

/// The chunks that a side has sent on its connection and that are not acknowledged, counted from
/// outside.
#[derive(Debug, Default)]
pub(crate) struct Flow {
    pub(crate) number: u64,
    pub(crate) chunks: VecDeque<(u64, usize)>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Event {
    Call(usize),
    Cancel(usize, Nonce),
    /// The block of a call has come to its end, in this session of its side.
    Done(usize, u64, CallId),
    /// Something has arrived on a connection, from a side.
    Arrive(usize, usize),
    /// A side learns that a connection is gone.
    Notice(usize, usize),
    /// The handshake on a connection takes too long.
    Late(usize),
    Dial,
    Cut,
    Restart(usize),
    Leave(usize),
    Tick(usize),
}

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let plan = Plan::new(&mut random);
        let side = |name: &str, limits: &Limits| Side {
            limits: limits.clone(),
            us: Us::new(&PeerId::named(name).into(), limits, 0),
            session: None,
            ticket: None,
            epoch: 0,
            connection: None,
            is_shaking: false,
            newest_connection: None,
            last_heard: 0,
            leaves: false,
            open: BTreeMap::new(),
            running: BTreeMap::new(),
            parents: BTreeMap::new(),
            flow: Flow::default(),
            next_tick: None,
        };
        let sides = [side("dialler", &plan.limits[0]), side("acceptor", &plan.limits[1])];
        let mut world = Self {
            now: 0,
            random,
            plan,
            model: Model::default(),
            sides,
            connections: Vec::new(),
            handshakes: Vec::new(),
            events: BTreeMap::new(),
            event_count: 0,
        };
        world.draw_events();
        world
    }

    fn draw_events(&mut self) {
        self.at(0, Event::Dial);
        for _ in 0..self.plan.calls {
            self.some_time(Event::Call(DIALLER));
            self.some_time(Event::Call(ACCEPTOR));
        }
        for _ in 0..self.plan.cuts {
            self.some_time(Event::Cut);
        }
        for _ in 0..self.plan.restarts {
            let side = self.random.between(0, 1) as usize;
            self.some_time(Event::Restart(side));
        }
        if self.plan.leaves {
            let side = self.random.between(0, 1) as usize;
            self.some_time(Event::Leave(side));
        }
    }

    fn some_time(&mut self, event: Event) {
        let time = self.random.between(0, self.plan.duration);
        self.at(time, event);
    }

    pub(crate) fn at(&mut self, time: u64, event: Event) {
        self.event_count += 1;
        self.events.insert((time, self.event_count), event);
    }

    pub(crate) fn after(&mut self, delay: u64, event: Event) {
        self.at(self.now.saturating_add(delay), event);
    }

    pub(crate) fn moment(&self) -> Moment {
        moment(self.now)
    }

    /// Lets everything happen, and then checks that nothing is left of it.
    pub(crate) fn run(mut self) -> Model {
        let silence = self.plan.limits.iter().map(|limits| limits.idle_timeout).max().unwrap_or_default();
        // So that the last frames, too, are acknowledged.
        let quiet = 2 * silence.as_micros() as u64;
        let mut over_since = None;
        while let Some(((time, _), event)) = self.events.pop_first() {
            self.now = time;
            self.happens(event);
            self.settle();
            let is_over = time > self.plan.duration && self.model.all_are_over() && self.is_connected();
            let since = *over_since.get_or_insert(time);
            if !is_over {
                over_since = None;
            } else if time > since + quiet {
                break;
            }
            if time > self.plan.duration + PATIENCE {
                break;
            }
        }
        self.check_end();
        self.model
    }

    fn is_connected(&self) -> bool {
        self.sides.iter().all(|side| side.session.as_ref().is_some_and(Session::is_attached))
    }

    fn happens(&mut self, event: Event) {
        match event {
            Event::Call(side) => self.make_call(side),
            Event::Cancel(side, call) => self.cancel(side, call),
            Event::Done(side, epoch, call) => self.block_ends(side, epoch, call),
            Event::Arrive(connection, from) => self.arrives(connection, from),
            Event::Notice(connection, side) => self.notices(connection, side),
            Event::Late(connection) => self.is_late(connection),
            Event::Dial => self.dial(),
            Event::Cut => self.cut(),
            Event::Restart(side) => self.restart(side),
            Event::Leave(side) => self.leave(side),
            Event::Tick(side) => {
                let now = self.moment();
                self.sides[side].next_tick = None;
                if let Some(session) = &mut self.sides[side].session {
                    let effects = session.tick(now);
                    self.apply(side, effects);
                }
            }
        }
    }

    /// After each event both sides read and write what they can, and hold what they promise.
    fn settle(&mut self) {
        for side in [DIALLER, ACCEPTOR, DIALLER] {
            self.read(side);
            self.write(side);
        }
        for side in [DIALLER, ACCEPTOR] {
            self.check(side);
            let wake = self.sides[side].session.as_ref().and_then(Session::wake);
            let wake = wake.map(|wake| wake.since_origin().as_micros() as u64);
            if let Some(wake) = wake.filter(|wake| self.sides[side].next_tick.is_none_or(|next| *wake < next))
            {
                let wake = wake.max(self.now);
                self.sides[side].next_tick = Some(wake);
                self.at(wake, Event::Tick(side));
            }
        }
    }

    fn check(&self, side: usize) {
        let Side { limits, session, open, running, flow, .. } = &self.sides[side];
        let Some(session) = session else { return };
        assert_eq!(session.calls(), open.len(), "the session and its driver disagree on the open calls");
        assert_eq!(session.running(), running.len(), "the session and its driver disagree on what runs");
        assert!(
            session.kept() <= limits.resend_buffer.max(CHUNK + 1024),
            "{} bytes are kept",
            session.kept()
        );
        assert!(
            session.arriving() <= 2 * limits.max_message,
            "{} bytes of messages have arrived in part",
            session.arriving()
        );
        let on_their_way: usize = flow.chunks.iter().map(|(_, size)| size).sum();
        // The window is wide for chunks of which many went alone.
        let windows = if flow.number < 128 { 1 } else { 4 };
        assert!(
            on_their_way <= windows * limits.send_window.max(3 * CHUNK + 512),
            "{on_their_way} bytes of chunks are on their way"
        );
    }

    fn check_end(&self) {
        self.model.check_end();
        for (name, side) in ["dialler", "acceptor"].iter().zip(&self.sides) {
            let session =
                side.session.as_ref().unwrap_or_else(|| panic!("the {name} has no session in the end"));
            assert!(session.is_attached(), "the {name} is not connected in the end");
            let left = (session.calls(), session.running(), session.queued(), session.kept());
            assert_eq!(left, (0, 0, 0, 0), "the {name} has calls, blocks, bytes left");
        }
    }
}

pub(crate) fn moment(micros: u64) -> Moment {
    Moment::after_origin(Duration::from_micros(micros))
}
