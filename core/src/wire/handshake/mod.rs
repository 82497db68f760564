//! How a connection begins: who is there, is that proved, do the two fit together, and is it a new
//! session or one that goes on.
//!
//! The acceptor speaks first ([`Invitation`]), so that the dialler's hello can answer a challenge
//! that was never said before; the acceptor's welcome answers the hello. What is proved is bound
//! to this handshake: said again in another one, it is worth nothing.

mod proof;
#[cfg(test)]
mod tests;

use std::time::Duration;

use bytes::Bytes;

use self::proof::Transcript;
pub(crate) use self::proof::is_end_of;
use crate::identity::Identity;
use crate::identity::key_pair::KeyPair;
use crate::identity::peer_id::PeerId;
use crate::limits::Limits;
use crate::session::Violation;
use crate::util::random::random;
use crate::util::time::micros;
use crate::wire::codec::Codec;
use crate::wire::frame::{
    Challenge, Frame, Hello, Introduction, KeyProof, Mac, Opened, Reject, Resume, SessionEnd, SessionId,
    Token, VERSION, Welcome,
};

/// This peer in a handshake: what it says of itself, and what proves it.
#[derive(Clone, Debug)]
pub struct Us {
    introduction: Introduction,
    key: Option<KeyPair>,
}

impl Us {
    /// This peer; `blocks` is the digest of its blocks.
    #[must_use]
    pub fn new(identity: &Identity, limits: &Limits, blocks: u64) -> Self {
        let introduction = introduction(identity.peer_id(), limits, blocks);
        let key = match identity {
            Identity::Claimed(_) => None,
            Identity::Key(key) => Some(key.clone()),
        };
        Self { introduction, key }
    }

    /// Its id.
    #[must_use]
    pub fn peer(&self) -> PeerId {
        self.introduction.peer
    }

    /// The digest of its blocks.
    #[must_use]
    pub fn blocks(&self) -> u64 {
        self.introduction.blocks
    }

    /// Room for a proof that is not there yet, with the key that it will be made with.
    fn unsigned(&self) -> Option<KeyProof> {
        self.key.as_ref().map(|key| KeyProof { key: key.public(), signature: [0; 64] })
    }

    fn sign(&self, proof: &mut Option<KeyProof>, transcript: &Transcript) {
        if let (Some(key), Some(proof)) = (&self.key, proof) {
            proof.signature = transcript.sign(key);
        }
    }

    fn objection(&self, them: &Introduction) -> Option<Reject> {
        if them.version != VERSION {
            Some(Reject::Version { ours: them.version, theirs: VERSION })
        } else if them.peer == self.peer() {
            Some(Reject::OwnId)
        } else if !them.shares_codec_with(&self.introduction) {
            Some(Reject::NoCodec)
        } else {
            None
        }
    }
}

/// How a peer introduces itself; `blocks` is the digest of its blocks.
#[must_use]
pub fn introduction(peer: PeerId, limits: &Limits, blocks: u64) -> Introduction {
    Introduction {
        version: VERSION,
        peer,
        message: u32::try_from(limits.max_message).unwrap_or(u32::MAX),
        silence_ms: millis(limits.idle_timeout),
        blocks,
        codecs: Codec::ALL
            .map(Codec::number)
            .into_iter()
            .chain([Introduction::CHANGE, Introduction::CHANNELS, Introduction::END_REASON])
            .collect(),
    }
}

/// The answer that does not open a session.
#[must_use]
pub fn reject(reject: Reject) -> Bytes {
    Frame::Reject(reject).encode()
}

/// The frame that ends a session at once: the last one of the side that sends it. The reason has
/// at most [`SessionEnd::LONGEST_REASON`] bytes.
#[must_use]
pub fn end(session: SessionId, token: &Token, reason: &str) -> Bytes {
    let mac = proof::end_of(session, token, reason);
    Frame::End(SessionEnd { mac, reason: reason.to_owned() }).encode()
}

/// The acceptor's side, until a hello has come.
#[derive(Debug)]
pub struct Invitation(Challenge);

impl Invitation {
    /// For one connection.
    #[must_use]
    pub fn new() -> Self {
        Self(Challenge { version: VERSION, nonce: random() })
    }

    /// The first frame of the connection.
    #[must_use]
    pub fn frame(&self) -> Bytes {
        Frame::Challenge(self.0).encode()
    }

    /// Takes the dialler's answer.
    pub fn accept(self, us: &Us, message: Bytes) -> Result<Result<Guest, Reject>, Violation> {
        let hello = match Frame::decode(message)? {
            Frame::Hello(hello) => *hello,
            other => return Err(Violation::Unexpected(other.name())),
        };
        if let Some(reject) = us.objection(&hello.from) {
            return Ok(Err(reject));
        }
        let transcript = Transcript::of_hello(&self.0, &hello);
        if let Err(reject) = transcript.check_id(hello.from.peer, hello.proof.as_ref()) {
            return Ok(Err(reject));
        }
        Ok(Ok(Guest { hello, transcript }))
    }
}

impl Default for Invitation {
    fn default() -> Self {
        Self::new()
    }
}

/// A dialler that has introduced itself, and proved its id if that is one of a key.
#[derive(Debug)]
pub struct Guest {
    hello: Hello,
    transcript: Transcript,
}

impl Guest {
    /// How it introduced itself.
    #[must_use]
    pub fn introduction(&self) -> &Introduction {
        &self.hello.from
    }

    /// The session that it wants to go on with, and how many of our frames it has.
    #[must_use]
    pub fn resumes(&self) -> Option<(SessionId, u64)> {
        self.hello.resume.map(|resume| (resume.session, resume.received))
    }

    /// Whether it has proved that it has the token of that session.
    #[must_use]
    pub fn has(&self, token: &Token) -> bool {
        self.hello.resume.is_some_and(|resume| self.transcript.is_mac(token, &resume.mac))
    }

    /// The answer that opens a new session. The dialler can come back to it for so long after a
    /// loss.
    #[must_use]
    pub fn welcome(&self, us: &Us, (session, token): (SessionId, Token), window: Duration) -> Bytes {
        self.answer(us, Opened::New { session, token }, window, None)
    }

    /// The answer that goes on with the session of this token, of which we have so many frames.
    #[must_use]
    pub fn welcome_back(&self, us: &Us, token: &Token, received: u64, window: Duration) -> Bytes {
        self.answer(us, Opened::Resumed { received, mac: Mac([0; 32]) }, window, Some(token))
    }

    fn answer(&self, us: &Us, opened: Opened, window: Duration, token: Option<&Token>) -> Bytes {
        let from = us.introduction.clone();
        let mut welcome = Welcome { from, window_ms: millis(window), opened, proof: us.unsigned() };
        let transcript = self.transcript.with_welcome(&welcome);
        if let (Opened::Resumed { mac, .. }, Some(token)) = (&mut welcome.opened, token) {
            *mac = transcript.mac(token);
        }
        us.sign(&mut welcome.proof, &transcript);
        Frame::Welcome(Box::new(welcome)).encode()
    }
}

/// The session that a dialler comes back to.
#[derive(Clone, Copy, Debug)]
pub struct Ticket {
    /// Which one.
    pub session: SessionId,
    /// Its token, which is proved and not sent.
    pub token: Token,
    /// How many numbered frames of the acceptor have arrived.
    pub received: u64,
    /// The peer at its other end.
    pub peer: PeerId,
}

/// Takes the acceptor's challenge, and gives the hello that answers it.
pub fn answer(
    us: &Us,
    ticket: Option<Ticket>,
    message: Bytes,
) -> Result<Result<(Bytes, Introduced), Reject>, Violation> {
    let challenge = match Frame::decode(message)? {
        Frame::Challenge(challenge) => challenge,
        Frame::Reject(reject) => return Ok(Err(reject)),
        other => return Err(Violation::Unexpected(other.name())),
    };
    if challenge.version != VERSION {
        // It is us who find out, so ours is ours.
        return Ok(Err(Reject::Version { ours: VERSION, theirs: challenge.version }));
    }
    let resume =
        ticket.map(|Ticket { session, received, .. }| Resume { session, received, mac: Mac([0; 32]) });
    let from = us.introduction.clone();
    let mut hello = Hello { from, nonce: random(), resume, proof: us.unsigned() };
    let transcript = Transcript::of_hello(&challenge, &hello);
    if let (Some(resume), Some(ticket)) = (&mut hello.resume, &ticket) {
        resume.mac = transcript.mac(&ticket.token);
    }
    us.sign(&mut hello.proof, &transcript);
    Ok(Ok((Frame::Hello(Box::new(hello)).encode(), Introduced { ticket, transcript })))
}

/// The dialler's side, after it has introduced itself.
#[derive(Debug)]
pub struct Introduced {
    ticket: Option<Ticket>,
    transcript: Transcript,
}

impl Introduced {
    /// Takes the acceptor's answer. A session goes on only with the peer that it was opened with,
    /// and only if that has the session's token, too.
    pub fn welcomed(&self, us: &Us, message: Bytes) -> Result<Result<Welcome, Reject>, Violation> {
        let welcome = match Frame::decode(message)? {
            Frame::Welcome(welcome) => *welcome,
            Frame::Reject(reject) => return Ok(Err(reject)),
            other => return Err(Violation::Unexpected(other.name())),
        };
        if let Some(reject) = us.objection(&welcome.from) {
            return Ok(Err(match reject {
                // This peer receives the reject, so the versions are the other way round.
                Reject::Version { ours, theirs } => Reject::Version { ours: theirs, theirs: ours },
                reject => reject,
            }));
        }
        let transcript = self.transcript.with_welcome(&welcome);
        if let Err(reject) = transcript.check_id(welcome.from.peer, welcome.proof.as_ref()) {
            return Ok(Err(reject));
        }
        if let Opened::Resumed { mac, .. } = &welcome.opened {
            let is_ours = self.ticket.is_some_and(|ticket| {
                ticket.peer == welcome.from.peer && transcript.is_mac(&ticket.token, mac)
            });
            if !is_ours {
                return Ok(Err(Reject::BadToken));
            }
        }
        Ok(Ok(welcome))
    }
}

fn millis(span: Duration) -> u32 {
    u32::try_from(micros(span) / 1000).unwrap_or(u32::MAX)
}
