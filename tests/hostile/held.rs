//! Attackers that try to make a peer hold too much memory for them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use distributed_scope::{
    Attempt, Codec, Endpoint, ErrorKind, Limits, PeerId, RemoteError, distributed, here, remote,
};
use distributed_scope_core::frame::{CallId, Chunk, Frame, Invoke};

use crate::frames::{Session, invoke, us};
use crate::honest::attack_on;
use crate::support::open;

const MIB: usize = 1 << 20;

/// What a script sends in one message of the WebSocket.
const PART: usize = 60_000;

/// How many blocks of [`wait`] have begun and not ended.
#[derive(Default)]
struct Waiting(AtomicUsize);

/// One of them.
struct Waits(Arc<Waiting>);

impl Waits {
    fn begin(waiting: Arc<Waiting>) -> Self {
        waiting.0.fetch_add(1, Ordering::Relaxed);
        Self(waiting)
    }
}

impl Drop for Waits {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[expect(dead_code, reason = "called by hand")]
#[distributed]
async fn wait(on: PeerId, texts: Vec<String>) -> Result<usize, RemoteError> {
    remote!(on, [texts], {
        let _waits = Waits::begin(here::data::<Waiting>()?);
        std::future::pending::<()>().await;
        texts.len()
    })
    .await
}

/// Small enough to be reached soon.
fn limits() -> Limits {
    let (held, held_per_address, held_per_session) = (16 * MIB, 12 * MIB, 8 * MIB);
    Limits::default()
        .with_max_held_bytes(held)
        .with_max_held_bytes_per_address(held_per_address)
        .with_max_held_bytes_per_session(held_per_session)
        .with_max_detached(50)
}

fn call(number: u64, captures: &Bytes, is_detached: bool) -> Invoke {
    Invoke { captures: captures.clone(), is_detached, ..invoke(number, "wait#0") }
}

/// This many empty texts: each is a byte on the wire, and 24 in memory.
fn texts(count: usize) -> Bytes {
    Codec::Bincode.encode(0, &(vec![String::new(); count],)).unwrap().into()
}

/// How the server answers the next call that it answers.
fn answer(session: &mut Session) -> String {
    loop {
        match session.wire.next().frame() {
            Frame::Reply(reply) => {
                let error: RemoteError = Codec::Bincode.decode(&reply.payload).unwrap();
                let ErrorKind::Refused(refusal) = error.kind() else { panic!("{error}") };
                return format!("refusal `{}`", refusal.code());
            }
            // What it says besides: how much has arrived, that it lives, which blocks it has.
            Frame::Ack(_) | Frame::Ping | Frame::Catalogue(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

#[actix_web::test]
async fn blocks_that_nobody_waits_for_are_counted_until_they_end() {
    let waiting = Arc::<Waiting>::default();
    let server = open().limits(limits()).shared_data(Arc::clone(&waiting));
    let seen = Arc::clone(&waiting);
    attack_on("Blocks that outlive their calls", server, Endpoint::new, move |target, scripts| {
        let mut session = Session::open(&target.address, &us(PeerId::random()));
        let small = texts(1);
        for number in 0..1000 {
            session.wire.send(&Frame::Invoke(call(number, &small, true)));
            session.wire.send(&Frame::Cancel(CallId(number)));
        }
        scripts.refused("calls detached blocks, and cancels each", answer(&mut session));
        session.wire.send(&Frame::Invoke(call(1000, &small, false)));
        session.wire.send(&Frame::Cancel(CallId(1000)));
        assert!(seen.0.load(Ordering::Relaxed) <= 51);
        session.end_unread();
    })
    .await;
    // The peer was dropped with its server.
    while waiting.0.load(Ordering::Relaxed) > 0 {
        actix_web::rt::task::yield_now().await;
    }
}

#[actix_web::test]
async fn what_is_held_is_bounded_for_a_session_and_for_an_address() {
    let waiting = Arc::<Waiting>::default();
    let server = open().limits(limits()).shared_data(waiting);
    attack_on("Held memory", server, Endpoint::new, move |target, scripts| {
        let open = || Session::open(&target.address, &us(PeerId::random()));
        let mut session = open();
        let large = texts(60_000);
        for number in 0..12 {
            session.wire.send(&Frame::Invoke(call(number, &large, false)));
        }
        scripts
            .refused("calls blocks that wait, with captures that are large in memory", answer(&mut session));
        session.end_unread();

        let mut sessions: Vec<_> = (0..9).map(|_| open()).collect();
        let large = Bytes::from(vec![0; 3 * MIB]);
        for session in &mut sessions {
            send_large(session, call(1, &large, false), 1);
            // One after the other: what is held depends on how they arrive.
            until_arrived(session, large.len() / PART);
        }
        let mut last = open();
        send_large(&mut last, call(1, &large, false), 0);
        scripts.refused(
            "sends large messages but for their ends, on nine sessions, and one whole",
            answer(&mut last),
        );
        sessions.into_iter().chain([last]).for_each(Session::end_unread);
    })
    .await;
}

#[actix_web::test]
async fn captures_that_wait_for_a_decision_are_held_like_all_others() {
    let server = open().limits(limits()).authorize(async |attempt: Attempt| {
        if attempt.block.path.ends_with("wait#0") {
            std::future::pending::<()>().await;
        }
        Ok(())
    });
    attack_on("Before a decision", server, Endpoint::new, move |target, scripts| {
        let mut session = Session::open(&target.address, &us(PeerId::random()));
        let large = texts(60_000);
        for number in 0..400 {
            session.wire.send(&Frame::Invoke(call(number, &large, false)));
        }
        scripts.refused("calls on while a slow decision is made", answer(&mut session));
        session.end_unread();
    })
    .await;
}

/// Sends a large call in parts, except for this many of the last parts.
fn send_large(session: &mut Session, invoke: Invoke, but: usize) {
    let frame = Frame::Invoke(invoke).encode();
    let total = u32::try_from(frame.len()).unwrap();
    for part in frame.chunks(PART).take(frame.len().div_ceil(PART) - but) {
        let bytes = Bytes::copy_from_slice(part);
        session.wire.send(&Frame::Chunk(Chunk { stream: 0, total, bytes }));
    }
}

/// Waits until this many frames have arrived.
fn until_arrived(session: &mut Session, frames: usize) {
    session.wire.send(&Frame::Ping);
    loop {
        let message = session.wire.message().unwrap_or_else(|_| panic!("it closed"));
        match Frame::decode(message).unwrap() {
            Frame::Ack(arrived) if arrived >= frames as u64 => return,
            Frame::Ack(_) | Frame::Ping => {}
            other => panic!("{other:?}"),
        }
    }
}

#[actix_web::test]
async fn values_that_take_long_to_read_are_refused() {
    attack_on("Slow values", open(), Endpoint::new, move |target, scripts| {
        let mut session = Session::open(&target.address, &us(PeerId::random()));
        send_large(&mut session, call(0, &texts(2 * MIB), false), 0);
        scripts.refused("calls with 2 MiB of empty texts", answer(&mut session));
        session.end_unread();
    })
    .await;
}

#[test]
fn the_table_in_security_md_is_what_the_limits_are() {
    let limits = Limits::default();
    let security = include_str!("../../SECURITY.md");
    for (what, limit, name) in [
        ("one session", limits.max_held_bytes_per_session, "max_held_bytes_per_session"),
        ("all sessions of one address", limits.max_held_bytes_per_address, "max_held_bytes_per_address"),
        ("the whole peer", limits.max_held_bytes, "max_held_bytes"),
    ] {
        let row = format!("| {what} | {} | `Limits::{name}` |", limit / MIB);
        assert!(security.contains(&row), "{row}");
    }
}
