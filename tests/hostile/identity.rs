//! Attackers that impersonate another peer.

use bytes::Bytes;
use distributed_scope::{KeyPair, Limits, PeerId, Reject, RemoteError, distributed, remote};
use distributed_scope_core::frame::{
    CallId, Catalogue, Challenge, Chunk, Frame, Hello, Invoke, Mac, Opened, Reply, VERSION, Welcome,
};
use distributed_scope_core::handshake;

use crate::frames::{Session, answer_to, changed, closed, first_message, hello_of, invoke, us};
use crate::honest::attack;
use crate::wire::{Said, Wire};

#[actix_web::test]
async fn an_id_that_is_somebody_elses_is_refused() {
    attack("Whose id is it", |target, scripts| {
        let address = &target.address;
        let claim = |id: PeerId| answer_to(address, |invitation| hello_of(&us(id), None, invitation));
        scripts.refused("claims the id of a connected peer", claim(target.honest));
        scripts.refused("claims the id of the server", claim(target.server));
        scripts.refused(
            "claims an id that is made of a key, without a key",
            claim(KeyPair::generate().peer_id()),
        );

        let forged = |change: &dyn Fn(&mut Hello)| {
            let mallory = us(KeyPair::generate());
            answer_to(address, |invitation| changed(hello_of(&mallory, None, invitation), change))
        };
        let victim = KeyPair::generate().peer_id();
        scripts.refused("claims it with another key", forged(&|hello| hello.from.peer = victim));
        scripts.refused("claims a name with a key", forged(&|hello| hello.from.peer = PeerId::named("x")));
        let signature = forged(&|hello| hello.proof.as_mut().unwrap().signature[7] ^= 1);
        scripts.refused("changes a bit of the signature", signature);
        scripts.refused("changes a bit of what is signed", forged(&|hello| hello.nonce[7] ^= 1));

        let (mut wire, invitation) = Wire::connect(address);
        let overheard = hello_of(&us(KeyPair::generate()), None, invitation);
        wire.send_as(2, &overheard);
        assert!(matches!(wire.next().frame(), Frame::Welcome(_)));
        scripts.refused("says a hello again that it overheard", answer_to(address, |_| overheard.clone()));
        wire.send_as(8, &1000_u16.to_be_bytes());
        assert!(matches!(wire.next(), Said::Close(..)));
        scripts.refused("says it again when that session is over", answer_to(address, |_| overheard.clone()));
    })
    .await;
}

#[actix_web::test]
async fn what_does_not_belong_before_a_hello_ends_the_connection() {
    attack("Before a hello", |target, scripts| {
        let address = &target.address;
        let frame = |frame: Frame| first_message(address, 2, &frame.encode());
        let payload = Bytes::from_static(&[0]);
        let reply = Reply { call: CallId(0), is_value: true, codec: 1, ends: None, payload: payload.clone() };
        scripts.refused("calls", frame(Frame::Invoke(invoke(0, "waits#0"))));
        scripts.refused("answers a call", frame(Frame::Reply(reply)));
        scripts.refused("cancels a call", frame(Frame::Cancel(CallId(0))));
        scripts.refused("acknowledges", frame(Frame::Ack(0)));
        scripts.refused(
            "sends a part of a large message",
            frame(Frame::Chunk(Chunk { stream: 0, total: 1, bytes: payload })),
        );
        scripts.refused("goes away", frame(Frame::GoAway));
        scripts
            .refused("challenges", frame(Frame::Challenge(Challenge { version: VERSION, nonce: [0; 32] })));
        scripts.refused("welcomes", frame(Frame::Welcome(Box::new(welcome()))));
        scripts.refused("rejects", frame(Frame::Reject(Reject::Full)));
        scripts.refused("sends text", first_message(address, 1, b"let me in"));
        scripts.refused("sets a reserved bit of a frame", first_message(address, 0x42, b"let me in"));
        scripts.refused("speaks HTTP", first_message(address, 2, b"GET / HTTP/1.1\r\n\r\n"));
        scripts.refused("sends nothing in a message", first_message(address, 2, b""));
        let (mut wire, invitation) = Wire::connect(address);
        let mut hello = hello_of(&us(PeerId::random()), None, invitation).to_vec();
        hello.extend(b"principal=admin");
        wire.send_as(2, &hello);
        scripts.refused("adds a principal to its hello", closed(&mut wire));
    })
    .await;
}

fn introduced() -> distributed_scope_core::frame::Introduction {
    handshake::introduction(PeerId::named("an admin"), &Limits::default(), 0)
}

fn welcome() -> Welcome {
    Welcome {
        from: introduced(),
        window_ms: 0,
        opened: Opened::Resumed { received: 0, mac: Mac([0; 32]) },
        proof: None,
    }
}

#[expect(dead_code, reason = "called by hand")]
#[distributed]
async fn waits(on: PeerId) -> Result<(), RemoteError> {
    remote!(on, [], { std::future::pending::<()>().await }).await
}

#[actix_web::test]
async fn a_session_cannot_answer_cancel_or_repeat_what_is_not_its_own() {
    attack("With a session of its own", |target, scripts| {
        let address = &target.address;
        let open = || Session::open(address, &us(PeerId::random()));
        let lie = |frames: &[Frame]| open().lie(frames);
        // Both sessions number their calls from 0, and the honest one has call 0 open in both
        // directions.
        let payload = Bytes::from_static(&[7]);
        let reply = |call| {
            Frame::Reply(Reply {
                call: CallId(call),
                is_value: true,
                codec: 1,
                ends: None,
                payload: payload.clone(),
            })
        };
        let waiting = |call| Frame::Invoke(invoke(call, "waits#0"));
        let hello = Hello { from: introduced(), nonce: [0; 32], resume: None, proof: None };
        scripts.refused("answers the call of another session", lie(&[reply(0)]));
        scripts.refused("answers a call with a guessed number", lie(&[reply(u64::MAX)]));
        scripts.refused("makes two calls of one number", lie(&[waiting(3), waiting(3)]));
        scripts.refused("introduces itself again, as another peer", lie(&[Frame::Hello(Box::new(hello))]));
        scripts.refused("welcomes", lie(&[Frame::Welcome(Box::new(welcome()))]));
        scripts
            .refused("challenges", lie(&[Frame::Challenge(Challenge { version: VERSION, nonce: [0; 32] })]));
        scripts.refused("acknowledges what was never sent", lie(&[Frame::Ack(99)]));
        scripts.refused("goes away twice", lie(&[Frame::GoAway, Frame::GoAway]));
        let blocks = |is_last, count: usize| {
            let Invoke { block, fingerprint, .. } = invoke(0, "waits#0");
            Frame::Catalogue(Catalogue { is_last, blocks: vec![(block, fingerprint); count] })
        };
        scripts.refused("tells of its blocks twice", lie(&[blocks(true, 1), blocks(true, 1)]));
        scripts.refused("tells of no block, and of more to come", lie(&[blocks(false, 0)]));
        scripts.refused("tells of blocks without end", lie(&vec![blocks(false, 4000); 17]));
        let mut session = open();
        (0..9).for_each(|call| session.wire.send(&Frame::Cancel(CallId(call))));
        session.end();
        scripts.refused("cancels the calls of another session", "nothing happens: that call goes on");
    })
    .await;
}
