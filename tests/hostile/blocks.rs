//! Attackers that try to run blocks without permission.

use distributed_scope::{
    Blocks, Codec, Endpoint, ErrorKind, Peer, PeerId, Refusal, RemoteError, distributed, here, remote,
};
use distributed_scope_core::Registry;
use distributed_scope_core::frame::{Frame, Invoke};

use crate::frames::{Session, invoke, us};
use crate::honest::attack_on;
use crate::support::Listening;

#[expect(dead_code, reason = "called by hand")]
#[distributed]
async fn who_is_there(on: PeerId) -> Result<bool, RemoteError> {
    remote!(on, [], { here::principal().is_some() }).await
}

#[expect(dead_code, reason = "called by hand")]
#[distributed(require = authenticated)]
async fn for_somebody_known(on: PeerId) -> Result<(), RemoteError> {
    remote!(on, [], { panic!("this must never run") }).await
}

#[expect(dead_code, reason = "called by hand")]
#[distributed]
async fn with_captures(on: PeerId, text: String) -> Result<String, RemoteError> {
    remote!(on, [text], { text }).await
}

/// How the server answers a call: which refusal.
fn refusal(session: &mut Session, call: &[u8]) -> Refusal {
    session.wire.send_as(2, call);
    let Frame::Reply(reply) = session.wire.next().frame() else { panic!("no reply") };
    assert!(!reply.is_value);
    let error: RemoteError = Codec::Bincode.decode(&reply.payload).unwrap();
    let ErrorKind::Refused(refusal) = error.kind() else { panic!("{error}") };
    refusal.clone()
}

/// The refusal's name, without its message.
fn name(refusal: &Refusal) -> String {
    let text = format!("{refusal:?}");
    format!("refusal `{}`", text.split(['(', ' ', '{']).next().unwrap())
}

#[actix_web::test]
async fn no_block_runs_for_whom_it_is_not_meant() {
    let not_all = Blocks::matching(|block| !block.path.ends_with("with_captures#0"));
    attack_on(
        "What runs",
        Peer::builder(PeerId::random()).expose(not_all),
        Endpoint::new,
        |target, scripts| {
            let mut session = Session::open(&target.address, &us(PeerId::random()));
            let call = |number, path| Frame::Invoke(invoke(number, path)).encode();
            let mut refused = |call: &[u8]| name(&refusal(&mut session, call));
            scripts.refused("calls a block that is not exposed", refused(&call(0, "with_captures#0")));
            scripts.refused(
                "calls a block that asks for a principal",
                refused(&call(1, "for_somebody_known#0")),
            );
            // Behind the header of 16 bytes are the block's id and its fingerprint.
            let mut changed = |number, at: usize| {
                let mut call = call(number, "who_is_there#0").to_vec();
                call[at] ^= 1;
                refused(&call)
            };
            scripts.refused("calls a block that does not exist", changed(2, 16));
            scripts.refused("calls another version of a block", changed(3, 24));
            let captures = [call(4, "who_is_there#0").as_ref(), b"and more"].concat();
            scripts.refused("sends captures that the block has not", refused(&captures));
            let mut of = |number, codec, captures: &[u8]| {
                let mut call = call(number, "who_is_there#0").to_vec();
                // Behind the kind.
                call[1] = codec;
                refused(&[&call, captures].concat())
            };
            let nested = vec![0x81; 60_000];
            scripts.refused(
                "sends captures in CBOR that are nested without end",
                of(5, Codec::CborText.number(), &nested),
            );
            let announced = [&[0x9b][..], &u64::MAX.to_be_bytes()].concat();
            scripts.refused(
                "sends captures in CBOR that announce 2^64 elements",
                of(6, Codec::Cbor.number(), &announced),
            );
            scripts.refused("sends captures in a codec that there is not", of(7, 200, b""));
            session.end();
        },
    )
    .await;
}

#[actix_web::test]
async fn no_block_that_is_not_exposed_runs_whoever_asks_for_it() {
    let server = Listening::start(Peer::builder(PeerId::random()).expose(Blocks::none()));
    let address = server.address.clone();
    let asked = actix_web::rt::task::spawn_blocking(move || {
        let blocks = Registry::of_process().unwrap().blocks();
        let mut session = Session::open(&address, &us(PeerId::random()));
        for (call, block) in (0..).zip(&blocks) {
            let (block, fingerprint) = (block.id, block.fingerprint());
            let call = Frame::Invoke(Invoke { block, fingerprint, ..invoke(call, "who_is_there#0") });
            assert_eq!(refusal(&mut session, &call.encode()), Refusal::NotExposed);
        }
        blocks.len()
    });
    assert!(asked.await.unwrap() >= 8, "all blocks of this program");
}
