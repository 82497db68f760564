//! How a connection begins: who is there, do the two fit together, and is it a new session or one that goes on.

use std::time::Duration;

use bytes::Bytes;

use crate::codec::Codec;
use crate::frame::{Frame, Hello, Introduction, Reject, Resume, SessionId, Token, VERSION, Welcome};
use crate::id::PeerId;
use crate::limits::Limits;
use crate::session::Violation;

/// How this peer introduces itself.
#[must_use]
pub fn introduction(peer: PeerId, limits: &Limits, blocks: u64) -> Introduction {
    Introduction {
        version: VERSION,
        peer,
        message: u32::try_from(limits.message).unwrap_or(u32::MAX),
        silence_ms: millis(limits.silence),
        blocks,
        codecs: vec![Codec::Bincode.number()],
    }
}

/// The first frame of the side that dialled.
#[must_use]
pub fn hello(from: &Introduction, resume: Option<Resume>) -> Bytes {
    Frame::Hello(Hello { from: from.clone(), resume }).encode()
}

/// The acceptor's answer that opens the session, or goes on with it.
#[must_use]
pub fn welcome(
    from: &Introduction,
    (session, token): (SessionId, Token),
    window: Duration,
    resumed: Option<u64>,
) -> Bytes {
    let window_ms = millis(window);
    Frame::Welcome(Welcome { from: from.clone(), session, token, window_ms, resumed }).encode()
}

/// The acceptor's answer that does not.
#[must_use]
pub fn reject(reject: Reject) -> Bytes {
    Frame::Reject(reject).encode()
}

/// Takes the first message of a connection that was accepted.
pub fn accept(us: &Introduction, message: Bytes) -> Result<Result<Hello, Reject>, Violation> {
    match Frame::decode(message)? {
        Frame::Hello(hello) => Ok(match objection(us, &hello.from) {
            None => Ok(hello),
            Some(reject) => Err(reject),
        }),
        _ => Err(Violation::Unexpected("first")),
    }
}

/// Takes the answer to our [`hello`].
pub fn dialled(us: &Introduction, message: Bytes) -> Result<Result<Welcome, Reject>, Violation> {
    match Frame::decode(message)? {
        Frame::Welcome(welcome) => Ok(match objection(us, &welcome.from) {
            None => Ok(welcome),
            // It is us who are told, so the versions are the other way round.
            Some(Reject::Version { ours, theirs }) => Err(Reject::Version { ours: theirs, theirs: ours }),
            Some(reject) => Err(reject),
        }),
        Frame::Reject(reject) => Ok(Err(reject)),
        _ => Err(Violation::Unexpected("first")),
    }
}

fn objection(us: &Introduction, them: &Introduction) -> Option<Reject> {
    if them.version != us.version {
        Some(Reject::Version { ours: them.version, theirs: us.version })
    } else if them.peer == us.peer {
        Some(Reject::OwnId)
    } else if !them.codecs.iter().any(|codec| us.codecs.contains(codec)) {
        Some(Reject::NoCodec)
    } else {
        None
    }
}

fn millis(span: Duration) -> u32 {
    u32::try_from(span.as_millis()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn us(name: &str) -> Introduction {
        introduction(PeerId::named(name), &Limits::default(), 7)
    }

    #[test]
    fn two_peers_that_fit_together_know_each_other_after_the_handshake() {
        let (client, server) = (us("client"), us("server"));
        let seen = accept(&server, hello(&client, None)).unwrap().unwrap();
        assert_eq!(seen, Hello { from: client.clone(), resume: None });
        let ticket = (SessionId::random(), Token::random());
        let answer = welcome(&server, ticket, Duration::from_secs(1), None);
        let seen = dialled(&client, answer).unwrap().unwrap();
        assert_eq!((seen.from, seen.session, seen.token), (server, ticket.0, ticket.1));
    }

    #[test]
    fn another_version_is_told_both_versions() {
        let mut old = us("client");
        old.version = VERSION + 7;
        let refused = accept(&us("server"), hello(&old, None)).unwrap().unwrap_err();
        assert_eq!(refused, Reject::Version { ours: VERSION + 7, theirs: VERSION });
    }

    #[test]
    fn a_dialler_that_is_welcomed_in_another_version_says_which_is_whose() {
        let mut new = us("server");
        new.version = VERSION + 7;
        let answer = welcome(&new, (SessionId::random(), Token::random()), Duration::ZERO, None);
        let refused = dialled(&us("client"), answer).unwrap().unwrap_err();
        assert_eq!(refused, Reject::Version { ours: VERSION, theirs: VERSION + 7 });
    }

    #[test]
    fn a_peer_is_not_its_own_other_side() {
        assert_eq!(accept(&us("a"), hello(&us("a"), None)).unwrap().unwrap_err(), Reject::OwnId);
    }

    #[test]
    fn a_frame_before_the_hello_is_a_violation() {
        let frame = Frame::Ack(0).encode();
        assert!(matches!(accept(&us("a"), frame), Err(Violation::Unexpected(_))));
        assert!(matches!(accept(&us("a"), Bytes::from_static(b"GET / HTTP")), Err(Violation::Frame(_))));
    }
}
