//! Helpers that the tests of sessions share.

use std::time::Duration;

use bytes::Bytes;
use distributed_scope_core::__private::Source;
use distributed_scope_core::frame::{CallId, Frame, Framed, HEAD, Invoke};
use distributed_scope_core::pending::Payload;
use distributed_scope_core::session::Session;
use distributed_scope_core::{Block, Codec, Deadline, Limits, Moment, PeerId, Request, handshake};

pub(crate) static BLOCK: Block = Block::new("tests::block#0", "tests", "tests.rs", 1, &[], Source::exact(7));

pub(crate) fn at(millis: u64) -> Moment {
    Moment::after_origin(Duration::from_millis(millis))
}

/// A session with a peer that has the limits `theirs`. Both know that it is open.
pub(crate) fn session(ours: &Limits, theirs: &Limits) -> Session<u64> {
    let them = handshake::introduction(PeerId::named("them"), theirs, 0);
    let mut session = Session::dialled(ours.clone(), &them, at(0));
    assert_eq!(session.next_frame(|| at(0)).map(Framed::into_bytes), Some(Frame::Ack(0).encode()));
    session
}

#[allow(dead_code, reason = "not all of these tests make calls")]
pub(crate) fn request(size: usize, deadline: Deadline) -> Request {
    let frame = vec![0; HEAD + size].into();
    Request {
        to: PeerId::named("them"),
        block: &BLOCK,
        frame,
        handles: distributed_scope_core::Handles::default(),
        codec: Codec::default(),
        deadline,
        hop: 0,
        is_detached: false,
        fails_fast: false,
        is_bound: false,
    }
}

#[allow(dead_code, reason = "not all of these tests make calls of the other side by hand")]
pub(crate) fn invoke(call: u64, size: usize) -> Frame {
    let (block, fingerprint) = (BLOCK.id, BLOCK.fingerprint());
    let captures = Bytes::from(vec![0; size]);
    Frame::Invoke(Invoke {
        call: CallId(call),
        block,
        fingerprint,
        deadline_ms: None,
        hop: 0,
        codec: 1,
        is_detached: false,
        ends: None,
        captures,
    })
}

#[allow(dead_code, reason = "not all of these tests answer calls")]
pub(crate) fn value(size: usize) -> Payload {
    Payload {
        codec: Codec::default(),
        bytes: vec![0; HEAD + size].into(),
        handles: distributed_scope_core::Handles::default(),
    }
}
