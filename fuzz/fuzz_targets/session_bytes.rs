//! A session that receives any bytes and any requests, in any order. It never panics, and what it
//! keeps is bounded.
#![no_main]

use std::time::Duration;

use arbitrary::Arbitrary;
use bytes::Bytes;
use distributed_scope_core::__private::Source;
use distributed_scope_core::frame::{CallId, Chunk, Frame, HEAD, Reply};
use distributed_scope_core::pending::Payload;
use distributed_scope_core::session::{CHUNK, Session};
use distributed_scope_core::{Block, Codec, Deadline, Limits, Moment, PeerId, Request, handshake};
use libfuzzer_sys::fuzz_target;

static BLOCK: Block = Block::new("fuzz::block#0", "fuzz", "fuzz.rs", 1, &[], Source::exact(7));

#[derive(Arbitrary, Debug)]
enum Step<'a> {
    Bytes(&'a [u8]),
    Invoke(u8, u8),
    Answer(u8, bool, &'a [u8]),
    Cancelled(u8),
    Ack(u8),
    Chunk(u8, u32, u16),
    ChunkOf(u8, u32, &'a [u8]),
    Call(u8, bool),
    GiveUp(u8),
    Reply(u8, bool),
    Send(u8),
    Tick(u16),
    Detach,
    Attach(u8),
    GoAway,
}

fuzz_target!(|steps: Vec<Step<'_>>| {
    let limits = Limits::default()
        .with_max_message(300 << 10)
        .with_resend_buffer(200 << 10)
        .with_max_calls_served(5)
        .with_max_calls_in_flight(5);
    let them = handshake::introduction(PeerId::named("them"), &limits, 0);
    let mut millis = 0;
    let at = |millis: u64| Moment::after_origin(Duration::from_millis(millis));
    let mut session = Session::<()>::dialled(limits.clone(), &them, at(0));
    let size = |large: bool| if large { 3 * CHUNK } else { 9 };
    for step in steps {
        let now = at(millis);
        let frame = match step {
            Step::Bytes(bytes) => Some(Bytes::copy_from_slice(bytes)),
            Step::Invoke(call, deadline) => {
                let mut bytes = vec![0; HEAD];
                (bytes[0], bytes[1], bytes[4], bytes[8]) = (4, 1, deadline, call);
                Some(bytes.into())
            }
            Step::Answer(call, is_value, payload) => {
                let (call, payload) = (CallId(call.into()), Bytes::copy_from_slice(payload));
                Some(Frame::Reply(Reply { call, is_value, codec: 1, ends: None, payload }).encode())
            }
            Step::Cancelled(call) => Some(Frame::Cancel(CallId(call.into())).encode()),
            Step::Ack(received) => Some(Frame::Ack(received.into()).encode()),
            Step::Chunk(stream, total, size) => {
                let bytes = vec![0; size.into()].into();
                Some(Frame::Chunk(Chunk { stream: stream.into(), total, bytes }).encode())
            }
            Step::ChunkOf(stream, total, bytes) => {
                let bytes = Bytes::copy_from_slice(bytes);
                Some(Frame::Chunk(Chunk { stream: stream.into(), total, bytes }).encode())
            }
            Step::Call(millis, large) => {
                let deadline = Deadline::at(now + Duration::from_millis(millis.into()));
                let frame = vec![0; HEAD + size(large)].into();
                let to = PeerId::named("them");
                let codec = Codec::default();
                let (is_detached, fails_fast, is_bound) = (false, large, false);
                let mut request = Request {
                    to,
                    block: &BLOCK,
                    frame,
                    handles: distributed_scope_core::Handles::default(),
                    codec,
                    deadline,
                    hop: 0,
                    is_detached,
                    fails_fast,
                    is_bound,
                };
                drop(session.call(now, &mut request, ()));
                None
            }
            Step::GiveUp(call) => {
                session.cancel(CallId(call.into()));
                None
            }
            Step::Reply(call, large) => {
                let bytes = vec![0; HEAD + size(large)].into();
                session.reply(
                    CallId(call.into()),
                    Ok(Payload {
                        codec: Codec::default(),
                        bytes,
                        handles: distributed_scope_core::Handles::default(),
                    }),
                );
                None
            }
            Step::Send(count) => {
                for _ in 0..count {
                    let has_frame = session.has_frame();
                    assert_eq!(session.next_frame(|| now).is_some(), has_frame);
                }
                None
            }
            Step::Tick(passed) => {
                millis += u64::from(passed);
                session.tick(at(millis));
                None
            }
            Step::Detach => {
                session.detach(now);
                None
            }
            Step::Attach(received) => {
                if session.attach(received.into(), now).is_err() {
                    session.close();
                }
                None
            }
            Step::GoAway => {
                session.go_away();
                None
            }
        };
        if let Some(frame) = frame
            && session.receive(now, frame).is_err()
        {
            session.close();
        }
        while session.next_run().is_some() {}
        assert!(session.kept() <= limits.resend_buffer && session.arriving() <= 2 * limits.max_message);
        assert!(
            session.in_flight() <= limits.max_calls_in_flight && session.running() <= limits.max_calls_served
        );
    }
    session.close();
    assert_eq!((session.queued(), session.kept(), session.arriving()), (0, 0, 0));
});
