//! A session of a program that has no channels: it takes none, and says so.
//!
//! No test of this program may make a channel: from then on there are some.

mod support;

use bytes::Bytes;
use distributed_scope_core::Limits;
use distributed_scope_core::frame::{
    ChannelId, Credit, Direction, Ends, Entry, Frame, Framed, Item, Leave, Leaving,
};
use distributed_scope_core::session::{Effect, Session};
use support::{at, invoke, session};

fn ours() -> Session<u64> {
    session(&Limits::default(), &Limits::default())
}

/// A call with a sender and a receiver, which get the channels 1 and 3.
fn call_with_ends() -> Frame {
    let Frame::Invoke(mut invoke) = invoke(0, 0) else { unreachable!("it is an invoke") };
    let entry = |direction| Entry { direction, is_latest: false, capacity: 4 };
    let entries = vec![entry(Direction::Sender), entry(Direction::Receiver)];
    invoke.ends = Some(Box::new(Ends { first: 1, entries }));
    Frame::Invoke(invoke)
}

fn item(channel: u64, ends: Option<Ends>) -> Frame {
    let payload = Bytes::from_static(b"item");
    Frame::Item(Item { channel: ChannelId(channel), codec: 1, ends: ends.map(Box::new), payload })
}

fn sent(session: &mut Session<u64>) -> Vec<Frame> {
    std::iter::from_fn(|| session.next_frame(|| at(0)))
        .map(|frame| Frame::decode(Framed::into_bytes(frame)).expect("it is a frame of ours"))
        .filter(|frame| !matches!(frame, Frame::Ack(_)))
        .collect()
}

#[test]
fn call_runs_and_its_ends_are_left() {
    let mut session = ours();
    let effect = session.receive(at(0), call_with_ends().encode()).unwrap();
    assert!(matches!(effect, Some(Effect::Run(..))), "{effect:?}");
    let left = |channel, how| Frame::Leave(Leave { channel: ChannelId(channel), how });
    assert_eq!(sent(&mut session), [left(1, Leaving::Dropped), left(3, Leaving::Gone)]);
    assert_eq!(session.channels(), 0);
    assert!(!session.has_channel_events());
}

#[test]
fn frames_in_flight_for_ends_that_were_left_are_ignored() {
    let mut session = ours();
    session.receive(at(0), call_with_ends().encode()).unwrap();
    sent(&mut session);
    let credit = Frame::Credit(Credit { channel: ChannelId(1), items: 1, bytes: 1 });
    let leave = Frame::Leave(Leave { channel: ChannelId(3), how: Leaving::Finished });
    for frame in [item(3, None), credit, leave] {
        assert!(session.receive(at(0), frame.encode()).unwrap().is_none());
    }
    // The ends that an item brings are left, too.
    let entries = vec![Entry { direction: Direction::Receiver, is_latest: false, capacity: 1 }];
    let with_end = item(3, Some(Ends { first: 5, entries }));
    assert!(session.receive(at(0), with_end.encode()).unwrap().is_none());
    let left = Frame::Leave(Leave { channel: ChannelId(5), how: Leaving::Gone });
    assert_eq!(sent(&mut session), [left]);
}

#[test]
fn frames_for_channels_that_never_existed_are_violations() {
    let credit = Frame::Credit(Credit { channel: ChannelId(7), items: 1, bytes: 1 });
    let leave = Frame::Leave(Leave { channel: ChannelId(7), how: Leaving::Finished });
    for frame in [item(7, None), credit, leave] {
        let mut session = ours();
        session.receive(at(0), call_with_ends().encode()).unwrap();
        session.receive(at(0), frame.encode()).unwrap_err();
    }
}
