//! Attackers that use channels against their rules.

use bytes::Bytes;
use distributed_scope::{
    Codec, Endpoint, Limits, PeerId, Receiver, RemoteError, Sender, distributed, remote,
};
use distributed_scope_core::frame::{
    ChannelId, Credit, Direction, Ends, Entry, Frame, Invoke, Item, Leave, Leaving,
};

use crate::frames::{Session, invoke, us};
use crate::honest::attack_on;
use crate::support::open;

/// Waits for the end of `items` and sends it back, and holds `echo` meanwhile.
#[expect(dead_code, reason = "called by hand")]
#[distributed]
async fn hold(on: PeerId, items: Receiver<u32>, echo: Sender<u32>) -> Result<(), RemoteError> {
    remote!(on, [items, echo], {
        echo.closed().await;
        drop(items);
    })
    .await
}

const CAPACITY: u32 = 4;

fn ends(first: u64, directions: &[Direction]) -> Option<Box<Ends>> {
    let entry = |direction: &Direction| Entry { direction: *direction, is_latest: false, capacity: CAPACITY };
    Some(Box::new(Ends { first, entries: directions.iter().map(entry).collect() }))
}

/// A call of that block: its items are on the channel `first`, its echo on the next one. A client
/// has even numbers.
fn call(number: u64, first: u64) -> Frame {
    let captures = Codec::Bincode.encode(0, &(0_u32, 1_u32)).unwrap().into();
    let ends = ends(first, &[Direction::Receiver, Direction::Sender]);
    Frame::Invoke(Invoke { captures, ends, ..invoke(number, "hold#0") })
}

fn item(channel: u64, size: usize) -> Frame {
    let payload = Bytes::from(vec![1; size]);
    Frame::Item(Item { channel: ChannelId(channel), codec: 1, ends: None, payload })
}

fn leave(channel: u64, how: Leaving) -> Frame {
    Frame::Leave(Leave { channel: ChannelId(channel), how })
}

#[actix_web::test]
async fn channels_that_break_their_rules_end_the_session() {
    let server = open().limits(Limits::default().with_max_channels(16));
    attack_on("Channels", server, Endpoint::new, |target, scripts| {
        let lie = |frames: &[Frame]| Session::open(&target.address, &us(PeerId::random())).lie(frames);
        let credit = |channel| Frame::Credit(Credit { channel: ChannelId(channel), items: 1, bytes: 1 });

        scripts.refused("sends an item on a channel that never existed", lie(&[item(0, 1)]));
        scripts.refused("sends an item on a channel of the server", lie(&[call(0, 0), item(1, 1)]));
        scripts.refused("gives credit to a channel that never existed", lie(&[call(0, 0), credit(100)]));
        scripts.refused("leaves a channel that never existed", lie(&[call(0, 0), leave(4, Leaving::Gone)]));
        scripts.refused("opens channels with numbers of the server", lie(&[call(0, 1)]));
        scripts.refused("opens a channel twice", lie(&[call(0, 0), call(1, 0)]));
        let beyond: Vec<_> = std::iter::once(call(0, 0)).chain((0..=CAPACITY).map(|_| item(0, 1))).collect();
        scripts.refused("sends more items than the receiver accepts", lie(&beyond));
        let large = [call(0, 0), item(0, 40_000), item(0, 40_000), item(0, 1)];
        scripts.refused("sends more bytes than the receiver accepts", lie(&large));
        scripts.refused("sends an item to the sender", lie(&[call(0, 0), item(2, 1)]));
        scripts.refused("gives credit to the receiver", lie(&[call(0, 0), credit(0)]));
        scripts.refused(
            "ends a channel as the side that it is not",
            lie(&[call(0, 0), leave(2, Leaving::Finished)]),
        );
        let Frame::Item(unknown) = item(0, 1) else { unreachable!("it is one") };
        scripts.refused(
            "sends an item in an unknown codec",
            lie(&[call(0, 0), Frame::Item(Item { codec: 77, ..unknown })]),
        );

        // Those are refused or ignored, and the session continues.
        let mut session = Session::open(&target.address, &us(PeerId::random()));
        for number in 0..8 {
            session.wire.send(&call(number, 4 * number));
        }
        session.wire.send(&call(8, 100));
        scripts.refused("opens more channels than the limit", answer(&mut session));
        let most = Credit { channel: ChannelId(2), items: u32::MAX, bytes: u32::MAX };
        for _ in 0..3 {
            session.wire.send(&Frame::Credit(most));
        }
        session.wire.send(&leave(2, Leaving::Gone));
        session.wire.send(&Frame::Credit(most));
        session.wire.send(&leave(0, Leaving::Failed(Bytes::from_static(b"\xff\xff\xff"))));
        // What comes for a channel that is closed is dropped.
        session.wire.send(&leave(0, Leaving::Finished));
        session.wire.send(&item(0, 100));
        session.end_unread();
    })
    .await;
}

/// How the server answers the next call that it refuses.
fn answer(session: &mut Session) -> String {
    loop {
        if let Frame::Reply(reply) = session.wire.next().frame() {
            let error: RemoteError = Codec::Bincode.decode(&reply.payload).unwrap();
            let distributed_scope::ErrorKind::Refused(refusal) = error.kind() else { panic!("{error}") };
            return format!("refusal `{}`", refusal.code());
        }
    }
}
