//! The order in which an outbox returns frames, and which frames it keeps.

use super::*;
use crate::session::MAX_FRAME;
use crate::wire::frame::{Chunk, Frame};

const MESSAGE: usize = 64 << 20;

fn frame(outbox: &mut Outbox) -> Option<Bytes> {
    outbox.next().map(|outgoing| outgoing.frame.clone().into_bytes())
}

fn drain(outbox: &mut Outbox) -> Vec<Bytes> {
    std::iter::from_fn(|| frame(outbox)).collect()
}

fn is_chunk(frame: &Bytes) -> bool {
    matches!(Frame::decode(frame.clone()), Ok(Frame::Chunk(Chunk { .. })))
}

fn small(n: u8) -> Bytes {
    Bytes::from(vec![n; 10])
}

/// A call without captures.
fn invoke(call: u64) -> Invoke {
    let block = crate::Block::new("a", "", "", 0, &[], crate::block::version::Source::exact(0));
    Invoke {
        call: CallId(call),
        block: block.id,
        fingerprint: block.fingerprint(),
        deadline_ms: None,
        hop: 0,
        codec: 1,
        is_detached: false,
        ends: None,
        captures: Bytes::new(),
    }
}

#[test]
fn what_was_not_acknowledged_is_sent_again_in_order() {
    let mut outbox = Outbox::new(1 << 20, 1 << 20, MESSAGE);
    (0..5).for_each(|n| outbox.push(small(n)));
    assert_eq!(drain(&mut outbox).len(), 5);
    outbox.acknowledge(1).unwrap();
    outbox.push(small(5));
    outbox.rewind(3).unwrap();
    assert_eq!(drain(&mut outbox), [small(3), small(4), small(5)]);
}

#[test]
fn what_is_kept_is_bounded_and_an_overrun_is_told() {
    // Each frame also counts for its overhead in memory: three of them fit and four do not.
    let mut outbox = Outbox::new(3 * (10 + sent::EACH) + 5, 1 << 20, MESSAGE);
    (0..10).for_each(|n| outbox.push(small(n)));
    drain(&mut outbox);
    assert_eq!(outbox.kept(), 30);
    assert_eq!(outbox.rewind(6), Err(Gap::Overrun));
    assert_eq!(outbox.rewind(7), Ok(()));
    assert_eq!(drain(&mut outbox), [small(7), small(8), small(9)]);
}

#[test]
fn an_acknowledgement_of_what_was_never_sent_is_an_error() {
    let mut outbox = Outbox::new(1 << 20, 1 << 20, MESSAGE);
    outbox.push(small(1));
    assert_eq!(outbox.acknowledge(1), Err(Gap::NeverSent));
    drain(&mut outbox);
    assert_eq!(outbox.acknowledge(1), Ok(()));
    assert_eq!(outbox.rewind(2), Err(Gap::NeverSent));
}

#[test]
fn large_frames_stop_at_the_window_and_small_ones_pass_them() {
    let mut outbox = Outbox::new(8 << 20, 3 * CHUNK, MESSAGE);
    outbox.push(Bytes::from(vec![0; 7 * CHUNK]));
    assert_eq!(drain(&mut outbox).len(), 3, "three chunks fill the window");
    outbox.push(small(1));
    assert_eq!(drain(&mut outbox), [small(1)]);
    outbox.acknowledge(1).unwrap();
    assert_eq!(drain(&mut outbox).len(), 1, "one was acknowledged");
    outbox.acknowledge(5).unwrap();
    assert_eq!(drain(&mut outbox).len(), 3);
    assert!(!outbox.has_next());
    assert_eq!(outbox.queued(), 0);
}

#[test]
fn chunks_never_exceed_the_window_by_a_byte() {
    let mut outbox = Outbox::new(8 << 20, 3 * CHUNK + TAIL, MESSAGE);
    (0..4).for_each(|_| outbox.push(Bytes::from(vec![0; CHUNK + TAIL + 1])));
    // Three whole chunks, and then one of a byte more than a tail would not fit.
    assert_eq!(drain(&mut outbox).len(), 3);
    assert!(!outbox.has_next());
}

#[test]
fn a_little_that_is_left_goes_with_the_last_chunk() {
    for (len, chunks) in [(CHUNK + 1, 1), (CHUNK + TAIL, 1), (CHUNK + TAIL + 1, 2), (3 * CHUNK + TAIL, 3)] {
        let mut outbox = Outbox::new(8 << 20, 8 << 20, MESSAGE);
        outbox.push(Bytes::from(vec![0; len]));
        let frames = drain(&mut outbox);
        assert_eq!(frames.len(), chunks, "{len}");
        assert!(frames.iter().all(|frame| frame.len() <= MAX_FRAME));
    }
}

#[test]
fn chunks_that_are_no_longer_kept_leave_the_window_when_they_are_acknowledged() {
    let mut outbox = Outbox::new(40, 3 * CHUNK, MESSAGE);
    outbox.push(Bytes::from(vec![0; 6 * CHUNK]));
    assert_eq!(drain(&mut outbox).len(), 3, "three chunks fill the window");
    (0..10).for_each(|n| outbox.push(small(n)));
    assert_eq!(drain(&mut outbox).len(), 10, "they push the chunks out of what is kept");
    // The latest chunks are not acknowledged yet, as is usual during traffic.
    outbox.acknowledge(9).unwrap();
    assert_eq!(drain(&mut outbox).len(), 3, "the window is open again");
}

#[test]
fn chunks_that_have_long_gone_alone_have_a_wide_window_until_a_small_frame_joins_them() {
    let mut outbox = Outbox::new(64 << 20, 3 * CHUNK, MESSAGE);
    outbox.push(Bytes::from(vec![0; 300 * CHUNK]));
    let mut gone = 0;
    while gone < u64::from(CHUNKS_ALONE) {
        gone += drain(&mut outbox).len() as u64;
        outbox.acknowledge(gone).unwrap();
    }
    assert!(outbox.at_once() >= 8 * CHUNK, "and much is worth writing at once");
    assert_eq!(drain(&mut outbox).len(), 3 * WIDE);
    gone += 3 * WIDE as u64;
    outbox.push(small(1));
    assert_eq!(drain(&mut outbox), [small(1)]);
    outbox.acknowledge(gone + 1).unwrap();
    assert_eq!(drain(&mut outbox).len(), 3, "it is narrow again");
    assert!(outbox.at_once() < CHUNK);
}

#[test]
fn a_large_frame_is_abandoned_before_the_next_one_begins() {
    let mut outbox = Outbox::new(8 << 20, 8 << 20, MESSAGE);
    let large = |call| invoke(call).seal(Bytes::from(vec![0; 9 * CHUNK]));
    (0..6).for_each(|call| outbox.push(large(call)));
    (0..STREAMS).for_each(|_| assert!(is_chunk(&frame(&mut outbox).unwrap())));
    (0..40).for_each(|n| outbox.push(small(n | 0x80)));
    (0..SMALL_BETWEEN_CHUNKS).for_each(|_| assert!(!is_chunk(&frame(&mut outbox).unwrap())));
    // A chunk is due now; it must not be the first one of a fifth stream.
    assert!(outbox.withdraw(CallId(1)));
    assert_eq!(outbox.next().unwrap().frame.chunk_size(), Some(0));
}

#[test]
fn a_small_invoke_that_was_not_sent_can_be_withdrawn_and_is_never_sent() {
    let mut outbox = Outbox::new(8 << 20, 8 << 20, MESSAGE);
    let invoke = |call| Frame::Invoke(invoke(call)).encode();
    (0..9).for_each(|call| outbox.push(invoke(call)));
    outbox.push(small(0x80));
    assert_eq!(frame(&mut outbox), Some(invoke(0)));
    assert!(!outbox.withdraw(CallId(0)), "it was sent");
    for call in [1, 8, 4, 2, 7] {
        assert!(outbox.withdraw(CallId(call)));
        assert!(!outbox.withdraw(CallId(call)), "it is withdrawn already");
    }
    outbox.push(invoke(9));
    assert_eq!(outbox.unsent_calls().collect::<Vec<_>>(), [3, 5, 6, 9].map(CallId));
    assert_eq!(drain(&mut outbox), [invoke(3), invoke(5), invoke(6), small(0x80), invoke(9)]);
    assert_eq!((outbox.queued(), outbox.has_next()), (0, false));
}

#[test]
fn many_small_frames_do_not_starve_a_large_one() {
    let mut outbox = Outbox::new(8 << 20, 8 * CHUNK, MESSAGE);
    outbox.push(Bytes::from(vec![0; 2 * CHUNK]));
    (0..100).for_each(|n| outbox.push(small(n | 0x80)));
    let first = drain(&mut outbox).into_iter().position(|frame| is_chunk(&frame)).unwrap();
    assert_eq!(first, SMALL_BETWEEN_CHUNKS as usize);
}

#[test]
fn large_frames_take_turns() {
    let mut outbox = Outbox::new(8 << 20, 8 << 20, MESSAGE);
    (0..6).for_each(|_| outbox.push(Bytes::from(vec![0; 2 * CHUNK])));
    let streams: Vec<u8> = drain(&mut outbox).iter().map(|frame| frame[4]).collect();
    assert_eq!(streams, [0, 1, 2, 3, 0, 1, 2, 3, 4, 5, 4, 5]);
}

/// The buffer of a message is freed with its last chunk, also if that was dropped because more was
/// kept than allowed, and not acknowledged.
#[test]
fn discarded_large_frame_is_not_counted() {
    let mut outbox = Outbox::new(CHUNK, 1 << 20, MESSAGE);
    outbox.push(Bytes::from(vec![0; 4 * CHUNK]));
    (0..3).for_each(|_| assert!(outbox.next().is_some()));
    assert!(outbox.held() >= 4 * CHUNK, "the chunks that were not sent share the buffer");
    drain(&mut outbox);
    outbox.push(Bytes::from(vec![0; CHUNK]));
    drain(&mut outbox);
    assert!(outbox.held() < 2 * CHUNK, "{} bytes are counted", outbox.held());
    outbox.acknowledge(5).unwrap();
    assert_eq!(outbox.held(), 0);
}

/// The same holds for a message that was withdrawn after a part of it was sent.
#[test]
fn withdrawn_large_frame_is_not_counted() {
    let mut outbox = Outbox::new(CHUNK, 1 << 20, MESSAGE);
    outbox.push(invoke(7).seal(Bytes::from(vec![0; 4 * CHUNK])));
    (0..3).for_each(|_| assert!(outbox.next().is_some()));
    assert!(outbox.withdraw(CallId(7)));
    drain(&mut outbox);
    assert!(outbox.held() <= 2 * CHUNK, "its last chunk may be kept: {} bytes are counted", outbox.held());
    outbox.push(Bytes::from(vec![0; CHUNK]));
    drain(&mut outbox);
    assert!(outbox.held() < 2 * CHUNK, "{} bytes are counted", outbox.held());
}

/// And for one whose part had arrived before it was withdrawn.
#[test]
fn withdrawn_large_frame_whose_part_arrived_is_not_counted() {
    let mut outbox = Outbox::new(1 << 20, 1 << 20, MESSAGE);
    outbox.push(invoke(7).seal(Bytes::from(vec![0; 4 * CHUNK])));
    (0..3).for_each(|_| assert!(outbox.next().is_some()));
    outbox.acknowledge(3).unwrap();
    assert!(outbox.withdraw(CallId(7)));
    assert!(outbox.held() < CHUNK, "{} bytes are counted", outbox.held());
}
