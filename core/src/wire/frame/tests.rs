//! Every frame comes back from its bytes, and bytes that are no frame are an error.

use super::*;
use crate::block::{BlockId, Fingerprint};
use proptest::prelude::*;

fn frames() -> impl Strategy<Value = Frame> {
    let introduction = || {
        (any::<(u128, u32, u32, u64)>(), prop::collection::vec(any::<u8>(), 0..9)).prop_map(
            |((id, message, silence_ms, blocks), codecs)| Introduction {
                version: VERSION,
                peer: uuid::Uuid::from_u128(id).into(),
                message,
                silence_ms,
                blocks,
                codecs,
            },
        )
    };
    let nonce = any::<[u8; 32]>;
    let proof = || {
        prop::option::of(any::<([u8; 32], [u8; 32], [u8; 32])>().prop_map(|(key, one, two)| {
            let mut signature = [0; 64];
            signature[..32].copy_from_slice(&one);
            signature[32..].copy_from_slice(&two);
            KeyProof { key, signature }
        }))
    };
    let challenge = nonce().prop_map(|nonce| Challenge { version: VERSION, nonce });
    let resume = any::<([u8; 16], u64, [u8; 32])>().prop_map(|(session, received, mac)| Resume {
        session: SessionId(session),
        received,
        mac: Mac(mac),
    });
    let hello = (introduction(), nonce(), prop::option::of(resume), proof())
        .prop_map(|(from, nonce, resume, proof)| Hello { from, nonce, resume, proof });
    let opened = prop_oneof![
        any::<([u8; 16], [u8; 32])>()
            .prop_map(|(session, token)| Opened::New { session: SessionId(session), token: Token(token) }),
        any::<(u64, [u8; 32])>().prop_map(|(received, mac)| Opened::Resumed { received, mac: Mac(mac) }),
    ];
    let welcome = (introduction(), any::<u32>(), opened, proof())
        .prop_map(|(from, window_ms, opened, proof)| Welcome { from, window_ms, opened, proof });
    let reject = prop_oneof![
        (any::<u16>(), any::<u16>()).prop_map(|(ours, theirs)| Reject::Version { ours, theirs }),
        any::<u16>().prop_map(|seconds| Reject::IdInUse { seconds }),
        Just(Reject::Replaced),
        Just(Reject::OwnId),
        Just(Reject::NoCodec),
        Just(Reject::Late),
        Just(Reject::GoingAway),
        Just(Reject::BadToken),
        Just(Reject::Full),
        Just(Reject::Lost),
        Just(Reject::BadKey),
        Just(Reject::NotProved),
        Just(Reject::NotYours),
        Just(Reject::WrongPeer),
    ];
    let bytes = || prop::collection::vec(any::<u8>(), 0..99).prop_map(Bytes::from);
    let invoke = (any::<(u64, u64, u64, u8, u8, bool)>(), prop::option::of(0..u32::MAX), bytes()).prop_map(
        |((call, block, fingerprint, hop, codec, is_detached), deadline_ms, captures)| Invoke {
            is_detached,
            call: CallId(call),
            block: BlockId(block),
            fingerprint: Fingerprint(fingerprint),
            deadline_ms,
            hop,
            codec,
            ends: None,
            captures,
        },
    );
    let reply = (any::<(u64, bool, u8)>(), bytes()).prop_map(|((call, is_value, codec), payload)| Reply {
        call: CallId(call),
        is_value,
        codec,
        ends: None,
        payload,
    });
    prop_oneof![
        challenge.prop_map(Frame::Challenge),
        hello.prop_map(|hello| Frame::Hello(Box::new(hello))),
        welcome.prop_map(|welcome| Frame::Welcome(Box::new(welcome))),
        reject.prop_map(Frame::Reject),
        invoke.prop_map(Frame::Invoke),
        reply.prop_map(Frame::Reply),
        any::<u64>().prop_map(|call| Frame::Cancel(CallId(call))),
        any::<u64>().prop_map(Frame::Ack),
        (any::<(u32, u32)>(), bytes()).prop_map(|((stream, total), bytes)| Frame::Chunk(Chunk {
            stream,
            total,
            bytes
        })),
        Just(Frame::GoAway),
        Just(Frame::Ping),
        any::<bool>().prop_map(Frame::Change),
        (any::<[u8; 32]>(), "\\PC{0,30}")
            .prop_map(|(mac, reason)| Frame::End(SessionEnd { mac: Mac(mac), reason })),
        (any::<bool>(), prop::collection::vec(any::<(u64, u64)>(), 0..9)).prop_map(|(is_last, blocks)| {
            let blocks = blocks.into_iter().map(|(block, version)| (BlockId(block), Fingerprint(version)));
            Frame::Catalogue(Catalogue { is_last, blocks: blocks.collect() })
        }),
    ]
}

proptest! {
    #[test]
    fn every_frame_comes_back_from_its_bytes(frame in frames()) {
        prop_assert_eq!(Frame::decode(frame.encode()).unwrap(), frame);
    }

    #[test]
    fn a_frame_that_is_cut_short_is_an_error_or_has_a_shorter_payload(frame in frames(), cut in any::<prop::sample::Index>()) {
        let bytes = frame.encode();
        let cut = cut.index(bytes.len());
        match Frame::decode(bytes.slice(..cut)) {
            Err(_) => {}
            Ok(Frame::Invoke(_) | Frame::Reply(_)) => prop_assert!(cut >= HEAD),
            Ok(Frame::Chunk(_)) => prop_assert!(cut >= Chunk::HEAD),
            Ok(Frame::Catalogue(_)) => prop_assert!(cut >= Catalogue::HEAD),
            // Its kind and its MAC, which covers the reason.
            Ok(Frame::End(_)) => prop_assert!(cut >= 33),
            Ok(other) => prop_assert!(false, "{other:?}"),
        }
    }

    #[test]
    fn bytes_that_are_no_frame_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..256)) {
        let _ = Frame::decode(Bytes::from(bytes));
    }
}

#[test]
fn a_catalogue_is_split_into_frames_that_fit() {
    let blocks: Vec<_> = (0..10_000).map(|n| (BlockId(n), Fingerprint(n))).collect();
    let parts: Vec<_> = Catalogue::split(&blocks, usize::MAX).collect();
    assert_eq!(parts.iter().map(|part| part.blocks.len()).collect::<Vec<_>>(), [4095, 4095, 1810]);
    assert_eq!(parts.iter().map(|part| part.is_last).collect::<Vec<_>>(), [false, false, true]);
    assert!(Frame::Catalogue(parts[0].clone()).encode().len() <= crate::session::CHUNK);
    let small = Catalogue::split(&blocks[..100], 1024).map(|part| Frame::Catalogue(part).encode().len());
    assert!(small.into_iter().all(|size| size <= 1024));
}

#[test]
fn a_header_is_written_in_place_when_nobody_else_holds_the_bytes() {
    let frame = Bytes::from(vec![0; HEAD + 1000]);
    let before = frame.as_ptr();
    let reply = Reply { call: CallId(7), is_value: true, codec: 1, ends: None, payload: Bytes::new() };
    assert_eq!(reply.seal(frame).as_ptr(), before);
}

#[test]
fn a_token_of_any_length_is_in_base64url_without_padding() {
    // The examples of RFC 4648, and the two letters that differ from base64.
    for (token, expected) in [
        ("", ""),
        ("f", "Zg"),
        ("fo", "Zm8"),
        ("foo", "Zm9v"),
        ("foobar", "Zm9vYmFy"),
        ("~~~???", "fn5-Pz8_"),
    ] {
        assert_eq!(bearer_protocol(token), format!("bearer.{expected}"));
    }
}
