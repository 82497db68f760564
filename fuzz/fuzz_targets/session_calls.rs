//! A session and a peer that keeps to the protocol, in any order and with any sizes. Nothing is a
//! violation, and what is counted as held equals what is allocated.
#![no_main]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use arbitrary::Arbitrary;
use bytes::{Bytes, BytesMut};
use distributed_scope_core::__private::Source;
use distributed_scope_core::frame::{CallId, Catalogue, Chunk, Frame, Framed, HEAD, Invoke, Reply};
use distributed_scope_core::pending::Payload;
use distributed_scope_core::session::{CHUNK, Effect, STREAMS, Session};
use distributed_scope_core::{Account, Block, Codec, Deadline, Limits, Moment, PeerId, Request, handshake};
use libfuzzer_sys::fuzz_target;

static BLOCK: Block = Block::new("fuzz::block#0", "fuzz", "fuzz.rs", 1, &[], Source::exact(7));

/// What a session takes besides: tables of calls, places in queues, and what this program itself
/// keeps.
const SLACK: usize = 128 << 10;

/// The memory that is left when a session was dropped: tables of the process that are made once.
const LEFT: usize = 16 << 10;

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Step {
    /// They call.
    Call { size: u16, is_detached: bool, millis: Option<u16> },
    /// They begin a large call, or send another part of it.
    Part { stream: u8, total: u32, size: u16 },
    /// They give up a large call that they began to send.
    Abandon(u8),
    /// They cancel one of their calls.
    Cancel(u8),
    /// One of their blocks ends here.
    End { which: u8, size: u32 },
    /// We call.
    Ask { size: u32, millis: u16, fails_fast: bool },
    /// They answer one of our calls, of which everything has come.
    Answer { which: u8, size: u16, is_value: bool },
    /// We give up one of our calls.
    GiveUp(u8),
    /// We send this many frames.
    Send(u8),
    /// They acknowledge all that they have but for the last ones.
    Acknowledge(u8),
    /// They ask how much has arrived.
    Ping,
    /// They announce one block.
    Tell,
    /// Time passes.
    Pass(u16),
    /// The connection is lost, or they come back.
    Connection,
    /// Either side leaves.
    Leave { are_they: bool },
}

/// A large call of theirs that they have sent in part.
struct Sending {
    call: u64,
    total: usize,
    sent: usize,
}

/// The session, and what its other side knows.
struct Both {
    session: Session<()>,
    account: Arc<Account>,
    held: distributed_scope_core::Held,
    limits: Limits,
    millis: u64,
    /// The numbers of their calls, counted.
    calls: u64,
    /// Those whose blocks run.
    running: Vec<CallId>,
    sending: BTreeMap<u32, Sending>,
    /// How many of our frames they have, and have acknowledged.
    received: u64,
    acknowledged: u64,
    /// Our calls that they have in part, by stream: the number of the call, and how many bytes are
    /// missing.
    arriving: BTreeMap<u32, (Option<CallId>, usize)>,
    /// Our calls that were made.
    made: Vec<CallId>,
    /// Our calls that they have.
    asked: Vec<CallId>,
    have_told: bool,
    have_left: bool,
}

fn limits() -> Limits {
    Limits::default()
        .with_max_message(300 << 10)
        .with_max_queued_bytes(100 << 10)
        .with_max_queued_result_bytes(600 << 10)
        .with_resend_buffer(200 << 10)
        .with_max_calls_served(50)
        .with_max_calls_in_flight(50)
        .with_max_detached(10)
        .with_max_held_bytes_per_session(700 << 10)
}

fn pick<T: Copy>(of: &[T], which: u8) -> Option<T> {
    of.get(usize::from(which) % of.len().max(1)).copied()
}

impl Both {
    fn new() -> Self {
        let limits = limits();
        let them = handshake::introduction(PeerId::named("them"), &limits, 0);
        let session = Session::dialled(limits.clone(), &them, Moment::after_origin(Duration::ZERO));
        let account = Account::of_session(&limits, []);
        Self {
            session,
            held: account.hold(0),
            account,
            limits,
            millis: 0,
            calls: 0,
            running: Vec::new(),
            sending: BTreeMap::new(),
            received: 0,
            acknowledged: 0,
            arriving: BTreeMap::new(),
            made: Vec::new(),
            asked: Vec::new(),
            have_told: false,
            have_left: false,
        }
    }

    fn now(&self) -> Moment {
        Moment::after_origin(Duration::from_millis(self.millis))
    }

    /// They send a frame. It is in a buffer with much else that was read from the socket at once.
    fn receive(&mut self, frame: &Frame) {
        let mut buffer = BytesMut::with_capacity(2 * CHUNK);
        buffer.extend_from_slice(&frame.encode());
        let effect =
            self.session.receive(self.now(), buffer.split().freeze()).expect("they keep to the protocol");
        effect.into_iter().for_each(|effect| self.effect(effect));
    }

    fn effect(&mut self, effect: Effect<()>) {
        match effect {
            Effect::Run(invoke, _) => self.running.push(invoke.call),
            Effect::Abort(call) => self.running.retain(|running| *running != call),
            Effect::DropConnection(_) => self.lose(),
            Effect::Expired => drop(self.session.close()),
            Effect::Complete((), _)
            | Effect::Channel(_)
            | Effect::TheyLeave
            | Effect::Catalogue(_)
            | Effect::TheyEnd(_) => {}
        }
    }

    fn lose(&mut self) {
        let now = self.now();
        self.session.detach(now).into_iter().for_each(|effect| self.effect(effect));
    }

    fn invoke(&mut self, size: usize, is_detached: bool, deadline_ms: Option<u32>) -> Invoke {
        self.calls += 1;
        Invoke {
            call: CallId(self.calls),
            block: BLOCK.id,
            fingerprint: BLOCK.fingerprint(),
            deadline_ms,
            hop: 0,
            codec: 1,
            is_detached,
            ends: None,
            captures: Bytes::from(vec![0; size]),
        }
    }

    /// Another part of a large call of theirs, which they begin if there is room for it.
    fn part(&mut self, stream: u32, total: usize, size: usize) {
        if !self.sending.contains_key(&stream) {
            let others: usize = self.sending.values().map(|sending| sending.total).sum();
            if self.sending.len() >= STREAMS || others + total > 2 * self.limits.max_message {
                return;
            }
            self.calls += 1;
            self.sending.insert(stream, Sending { call: self.calls, total, sent: 0 });
        }
        let Some(sending) = self.sending.get_mut(&stream) else { return };
        let size = size.clamp(HEAD, CHUNK).min(sending.total - sending.sent);
        let mut bytes = vec![0; size];
        if sending.sent == 0 {
            // The header, with the kind, the codec and the number.
            (bytes[0], bytes[1]) = (4, 1);
            bytes[4..8].copy_from_slice(&u32::MAX.to_le_bytes());
            bytes[8..16].copy_from_slice(&sending.call.to_le_bytes());
        }
        sending.sent += size;
        let total = sending.total;
        if sending.sent == total {
            self.sending.remove(&stream);
        }
        self.receive(&Frame::Chunk(Chunk { stream, total: total as u32, bytes: bytes.into() }));
    }

    fn send(&mut self, count: u8) {
        let now = self.now();
        for _ in 0..count {
            let Some(frame) = self.session.next_frame(|| now).map(Framed::into_bytes) else { break };
            match Frame::decode(frame).expect("ours are frames") {
                Frame::Ack(_) | Frame::Ping | Frame::End(_) => continue,
                Frame::Invoke(invoke) => self.asked.push(invoke.call),
                Frame::Chunk(chunk) => self.arrived(&chunk),
                _ => {}
            }
            self.received += 1;
        }
    }

    /// A part of one of our large messages has come.
    fn arrived(&mut self, Chunk { stream, total, bytes }: &Chunk) {
        if bytes.is_empty() {
            self.arriving.remove(stream);
            return;
        }
        let (call, missing) = self.arriving.entry(*stream).or_insert_with(|| {
            let number = bytes.get(8..16).and_then(|number| number.try_into().ok()).map(u64::from_le_bytes);
            (number.filter(|_| bytes[0] == 4).map(CallId), *total as usize)
        });
        *missing -= bytes.len();
        if *missing == 0 {
            self.asked.extend(*call);
            self.arriving.remove(stream);
        }
    }

    /// They do something, for which the connection has to be there.
    fn they(&mut self, step: &Step) {
        match *step {
            Step::Call { size, is_detached, millis } => {
                let invoke = self.invoke(size.into(), is_detached, millis.map(Into::into));
                self.receive(&Frame::Invoke(invoke));
            }
            Step::Part { stream, total, size } => {
                let total = (CHUNK + total as usize).min(self.limits.max_message);
                self.part(stream.into(), total, size.into());
            }
            Step::Abandon(stream) => {
                if let Some(Sending { total, .. }) = self.sending.remove(&stream.into()) {
                    let (stream, total) = (stream.into(), total as u32);
                    self.receive(&Frame::Chunk(Chunk { stream, total, bytes: Bytes::new() }));
                }
            }
            Step::Cancel(which) if self.calls > 0 => {
                let call = CallId(1 + u64::from(which) % self.calls);
                self.receive(&Frame::Cancel(call));
            }
            Step::Answer { which, size, is_value } => {
                if let Some(call) = pick(&self.asked, which) {
                    self.asked.retain(|asked| *asked != call);
                    let payload = Bytes::from(vec![0; size.into()]);
                    self.receive(&Frame::Reply(Reply { call, is_value, codec: 1, ends: None, payload }));
                }
            }
            Step::Acknowledge(but) => {
                self.acknowledged = self.received.saturating_sub(but.into()).max(self.acknowledged);
                self.receive(&Frame::Ack(self.acknowledged));
            }
            Step::Ping => self.receive(&Frame::Ping),
            Step::Tell if !self.have_told => {
                self.have_told = true;
                let blocks = vec![(BLOCK.id, BLOCK.fingerprint())];
                self.receive(&Frame::Catalogue(Catalogue { is_last: true, blocks }));
            }
            Step::Leave { are_they: true } if !self.have_left => {
                self.have_left = true;
                self.receive(&Frame::GoAway);
            }
            _ => {}
        }
    }

    fn we(&mut self, step: &Step) {
        let now = self.now();
        match *step {
            Step::End { which, size } => {
                if let Some(call) = pick(&self.running, which) {
                    self.running.retain(|running| *running != call);
                    let bytes = vec![0; HEAD + size as usize % (400 << 10)].into();
                    self.session.reply(
                        call,
                        Ok(Payload {
                            codec: Codec::default(),
                            bytes,
                            handles: distributed_scope_core::Handles::default(),
                        }),
                    );
                }
            }
            Step::Ask { size, millis, fails_fast } => {
                let mut request = Request {
                    to: PeerId::named("them"),
                    block: &BLOCK,
                    frame: vec![0; HEAD + size as usize % (310 << 10)].into(),
                    handles: distributed_scope_core::Handles::default(),
                    codec: Codec::default(),
                    deadline: Deadline::at(now + Duration::from_millis(millis.into())),
                    // What a block of theirs calls is held for them.
                    hop: 1,
                    is_detached: false,
                    fails_fast,
                    is_bound: false,
                };
                self.made.extend(self.session.call(now, &mut request, ()).ok());
            }
            Step::GiveUp(which) => {
                if let Some(call) = pick(&self.made, which) {
                    self.session.cancel(call);
                }
            }
            Step::Send(count) => self.send(count),
            Step::Pass(millis) => {
                self.millis += u64::from(millis);
                let now = self.now();
                self.session.tick(now).into_iter().for_each(|effect| self.effect(effect));
            }
            Step::Connection if self.session.is_carried() => self.lose(),
            Step::Connection => {
                if self.session.can_attach(self.received, now) {
                    self.session.attach(self.received, now).expect("it said so");
                }
            }
            Step::Leave { are_they: false } => self.session.go_away(),
            _ => {}
        }
    }

    fn take(&mut self, step: &Step) {
        if self.session.is_attached() {
            self.they(step);
        }
        self.we(step);
        while let Some(effect) = self.session.next_run() {
            self.effect(effect);
        }
        self.held.set(self.session.held());
        self.session.set_full(self.account.full(0));
    }
}

fuzz_target!(|steps: Vec<Step>| {
    let mut both = None;
    let info = allocation_counter::measure(|| {
        let both = both.insert(Both::new());
        steps.iter().for_each(|step| both.take(step));
    });
    let mut both = both.expect("it was made");
    let (taken, counted) = (usize::try_from(info.bytes_current).unwrap_or(0), both.account.held());
    assert_eq!(counted, both.session.held());
    assert!(taken <= 2 * counted + SLACK, "{taken} bytes are held and {counted} are counted");
    assert!(counted <= 2 * taken + SLACK, "{taken} bytes are held and {counted} are counted");
    let account = Arc::clone(&both.account);
    let end = allocation_counter::measure(|| {
        both.session.close();
        assert_eq!(both.session.held(), 0);
        drop(both);
    });
    assert_eq!(account.held(), 0);
    let left = usize::try_from(info.bytes_current + end.bytes_current).unwrap_or(0);
    assert!(left <= LEFT, "{left} bytes are left");
});
