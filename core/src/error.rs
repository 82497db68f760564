//! How a call fails: what happened, on which peer, in which block, because of what, and whether the block ran.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;

use serde::de::{Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::block::Block;
use crate::id::PeerId;
use crate::raised::Raised;

/// The error of a call.
///
/// It says what happened ([`kind`](Self::kind)), whether the block ran ([`ran`](Self::ran)), where
/// ([`peer`](Self::peer), [`block`](Self::block)) and why ([`Error::source`], the chain of causes as it stood on the
/// peer where they arose). When a nested call failed, the nested `RemoteError` is itself in that chain, so
/// [`hops`](Self::hops) can follow the failure from peer to peer.
///
/// `{}` prints the error alone, `{:#}` prints it with its causes.
#[derive(Clone, Serialize, Deserialize)]
#[serde(into = "FlatChain", from = "FlatChain")]
pub struct RemoteError(Box<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    ran: Ran,
    peer: Option<PeerId>,
    block: Option<BlockName>,
    source: Option<Cause>,
}

/// What happened to a call that did not end in its value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The body raised an error with `?`; it is the [source](Error::source).
    Raised,
    /// The peer, or ours on its behalf, did not start the block.
    Refused(Refusal),
    /// The body panicked. Its peer logs where and why; the caller learns only that it did.
    Panicked,
    /// The peer dropped the block before it ended, because it is stopping.
    Cancelled,
    /// The deadline passed first.
    DeadlineExceeded,
    /// The session closed while the call was open.
    Disconnected,
    /// No session to the peer was open, nor was one made within the deadline.
    NotConnected,
    /// The call was made outside of any peer, in a process that does not have exactly one.
    NoPeer,
    /// The captures could not be written.
    EncodeCaptures,
    /// The result could not be written by the peer that made it.
    EncodeResult,
    /// The result that came back is not of the type that was expected.
    DecodeResult,
    /// A message would have been larger than [`Limits::message`](crate::Limits::message).
    TooLarge {
        /// Its size in bytes.
        size: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// The result was dropped, because its peer would have had to keep more than
    /// [`Limits::results`](crate::Limits::results) until they could be sent.
    ResultDropped {
        /// The limit in bytes.
        limit: usize,
    },
}

/// Why a peer did not start a block. Nothing of it ran.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The peer's binary does not contain the block.
    #[error(
        "that peer does not have this block: its program was built without this function, or from other sources"
    )]
    UnknownBlock,
    /// The peer has another version of the block.
    #[error(
        "that peer has another version of this block: {theirs} at {location} there, {ours} here; build both programs from the same sources"
    )]
    Skew {
        /// The caller's fingerprint.
        ours: String,
        /// The peer's fingerprint.
        theirs: String,
        /// `file:line` of the peer's version.
        location: String,
    },
    /// The peer has the block and does not run it for others.
    #[error(
        "that peer does not expose this block: start it with `Peer::builder(..).expose(Blocks::all())`, or name the block there"
    )]
    NotExposed,
    /// The block asks for a caller that is known, and this one is not.
    #[error(
        "that peer does not know its caller, {0}: connect with a token it accepts, `Endpoint::new(url).bearer(token)`, or with a key it trusts, `Peer::builder(key_pair)`"
    )]
    Unauthenticated(String),
    /// The caller is known, and may not have this block run.
    #[error("that peer does not let its caller have this block run: {0}")]
    Forbidden(String),
    /// The captures that arrived are not what the block takes.
    #[error("that peer could not decode the captures: {0}")]
    DecodeCaptures(String),
    /// The captures are in an encoding that the peer does not have.
    #[error("that peer has no codec number {0}")]
    UnknownCodec(u8),
    /// Too many calls are open already.
    #[error("too many calls are open: the limit is {0}")]
    Overloaded(usize),
    /// Too many bytes wait to be sent to that peer.
    #[error("more than {0} bytes wait to be sent to that peer (`Limits::queue`)")]
    QueueFull(usize),
    /// The chain of nested calls is too long.
    #[error("the chain of nested calls has more than {0} hops")]
    TooManyHops(u8),
    /// The peer is stopping.
    #[error("that peer is going away")]
    GoingAway,
}

/// Whether the block of a failed call ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ran {
    /// It did not: calling again is safe.
    Never,
    /// It may have: the answer is not known to this peer.
    Maybe,
    /// It did, to its end or to the point where it failed.
    Yes,
}

/// A block as an error names it; it may be one that this binary does not have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockName {
    path: Cow<'static, str>,
    file: Cow<'static, str>,
    line: u32,
}

impl RemoteError {
    #[doc(hidden)]
    #[must_use]
    pub fn new(kind: ErrorKind, ran: Ran) -> Self {
        Self(Box::new(Inner { kind, ran, peer: None, block: None, source: None }))
    }

    #[doc(hidden)]
    #[must_use]
    pub fn refused(refusal: Refusal) -> Self {
        Self::new(ErrorKind::Refused(refusal), Ran::Never)
    }

    #[doc(hidden)]
    #[must_use]
    pub fn raised(raised: Raised) -> Self {
        Self::new(ErrorKind::Raised, Ran::Yes).caused_by(raised.into_inner().as_ref())
    }

    #[doc(hidden)]
    #[must_use]
    pub fn caused_by(mut self, source: &(dyn Error + 'static)) -> Self {
        self.0.source = Some(Cause::of(source, MAX_CAUSES));
        self
    }

    /// States where the call was going. Whoever made the call knows; what the other side says of it is not used.
    #[doc(hidden)]
    #[must_use]
    pub fn at(mut self, peer: PeerId, block: &Block) -> Self {
        self.0.peer = Some(peer);
        self.0.block = Some(BlockName {
            path: Cow::Borrowed(block.path),
            file: Cow::Borrowed(block.file),
            line: block.line,
        });
        self
    }

    /// What happened.
    #[must_use]
    pub fn kind(&self) -> &ErrorKind {
        &self.0.kind
    }

    /// Whether the block ran, and so whether calling again could run it twice.
    #[must_use]
    pub fn ran(&self) -> Ran {
        self.0.ran
    }

    /// The peer that the call was made to.
    #[must_use]
    pub fn peer(&self) -> Option<PeerId> {
        self.0.peer
    }

    /// The block that was called.
    #[must_use]
    pub fn block(&self) -> Option<&BlockName> {
        self.0.block.as_ref()
    }

    /// This error and the errors of the nested calls that caused it, outermost first: the path of the failure.
    pub fn hops(&self) -> impl Iterator<Item = &RemoteError> {
        let mut next: Option<&(dyn Error + 'static)> = Some(self);
        std::iter::from_fn(move || {
            let error = next?;
            next = error.source();
            Some(error)
        })
        .filter_map(|error| error.downcast_ref())
    }
}

impl Error for RemoteError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source.as_ref().map(Cause::as_error)
    }
}

impl fmt::Display for RemoteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.block {
            Some(block) => write!(f, "{block}")?,
            None => f.write_str("a block")?,
        }
        if let Some(peer) = self.0.peer {
            write!(f, " on peer {peer}")?;
        }
        write!(f, " {}", self.0.kind)?;
        if f.alternate() {
            let mut source = self.source();
            while let Some(error) = source {
                write!(f, ": {error}")?;
                source = error.source();
            }
        }
        Ok(())
    }
}

impl fmt::Debug for RemoteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:#}")
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Raised => f.write_str("raised an error"),
            Self::Refused(refusal) => write!(f, "was refused: {refusal}"),
            Self::Panicked => f.write_str("panicked"),
            Self::Cancelled => f.write_str("was cancelled by its peer"),
            Self::DeadlineExceeded => f.write_str("did not end before its deadline"),
            Self::Disconnected => f.write_str("lost its connection"),
            Self::NotConnected => f.write_str(
                "was not sent: no session to that peer was open before the deadline (`connect` to it, or let it connect)",
            ),
            Self::NoPeer => f.write_str(
                "was not sent: the call was made outside of any peer (wrap it in `peer.run(..)`; without it, a process must have exactly one peer)",
            ),
            Self::EncodeCaptures => f.write_str("was not sent: its captures cannot be encoded"),
            Self::EncodeResult => f.write_str("ran, and its result cannot be encoded"),
            Self::DecodeResult => f.write_str("ran, and its result cannot be decoded"),
            Self::TooLarge { size, limit } => {
                write!(f, "has a message of {size} bytes where the limit is {limit} (`Limits::message`)")
            }
            Self::ResultDropped { limit } => write!(
                f,
                "ran, and its result was dropped: more than {limit} bytes waited to be sent (`Limits::results` there)"
            ),
        }
    }
}

impl BlockName {
    /// Module path, function and ordinal.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The source file.
    #[must_use]
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The line in it, counted from 1.
    #[must_use]
    pub fn line(&self) -> u32 {
        self.line
    }
}

impl fmt::Display for BlockName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` ({}:{})", self.path, self.file, self.line)
    }
}

/// How many causes travel; further ones are dropped, so that a chain from the wire cannot be arbitrarily deep.
const MAX_CAUSES: usize = 32;

/// One cause that came from another peer, or is ready to go to one.
#[derive(Clone)]
enum Cause {
    Text(Text),
    Remote(RemoteError),
}

#[derive(Clone, Debug)]
struct Text {
    text: String,
    source: Option<Box<Cause>>,
}

impl Cause {
    fn of(error: &(dyn Error + 'static), left: usize) -> Self {
        if let Some(remote) = error.downcast_ref::<RemoteError>() {
            return Self::Remote(remote.clone());
        }
        let source = if left > 1 { error.source().map(|e| Box::new(Self::of(e, left - 1))) } else { None };
        Self::Text(Text { text: error.to_string(), source })
    }

    fn as_error(&self) -> &(dyn Error + 'static) {
        match self {
            Self::Text(text) => text,
            Self::Remote(error) => error,
        }
    }
}

impl fmt::Debug for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.as_error(), f)
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Error for Text {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(Cause::as_error)
    }
}

/// A chain as it is written: a list, so that decoding it needs no recursion.
#[derive(Serialize)]
struct FlatChain(Vec<FlatCause>);

impl<'de> Deserialize<'de> for FlatChain {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct("FlatChain", ReadChain)
    }
}

/// Reads no more causes than there may be: a large message could hold a million of them.
struct ReadChain;

impl<'de> Visitor<'de> for ReadChain {
    type Value = FlatChain;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at most {} causes", MAX_CAUSES + 1)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<FlatChain, D::Error> {
        deserializer.deserialize_seq(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut causes: A) -> Result<FlatChain, A::Error> {
        let mut flat = Vec::new();
        while let Some(cause) = causes.next_element()? {
            if flat.len() > MAX_CAUSES {
                return Err(A::Error::invalid_length(flat.len() + 1, &self));
            }
            flat.push(cause);
        }
        Ok(FlatChain(flat))
    }
}

#[derive(Serialize, Deserialize)]
enum FlatCause {
    Text(String),
    Remote { kind: ErrorKind, ran: Ran, peer: Option<PeerId>, block: Option<BlockName> },
}

impl From<RemoteError> for FlatChain {
    fn from(error: RemoteError) -> Self {
        let mut flat = Vec::new();
        let mut next = Some(Cause::Remote(error));
        while let Some(cause) = next.take()
            && flat.len() <= MAX_CAUSES
        {
            let (link, source) = match cause {
                Cause::Text(Text { text, source }) => (FlatCause::Text(text), source.map(|s| *s)),
                Cause::Remote(RemoteError(inner)) => {
                    let Inner { kind, ran, peer, block, source } = *inner;
                    (FlatCause::Remote { kind, ran, peer, block }, source)
                }
            };
            flat.push(link);
            next = source;
        }
        Self(flat)
    }
}

impl From<FlatChain> for RemoteError {
    fn from(FlatChain(flat): FlatChain) -> Self {
        let mut source = None;
        for link in flat.into_iter().rev() {
            source = Some(match link {
                FlatCause::Text(text) => Cause::Text(Text { text, source: source.map(Box::new) }),
                FlatCause::Remote { kind, ran, peer, block } => {
                    Cause::Remote(Self(Box::new(Inner { kind, ran, peer, block, source })))
                }
            });
        }
        match source {
            Some(Cause::Remote(error)) => error,
            // Only a peer that does not keep to the protocol sends this; what it sent is kept as the cause.
            source => Self(Box::new(Inner {
                kind: ErrorKind::Raised,
                ran: Ran::Maybe,
                peer: None,
                block: None,
                source,
            })),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::Codec;

    static BLOCK: Block = Block::new("app::f#0", "app", "src/app.rs", 3, &[], 0);

    fn parse_error() -> Raised {
        Raised::from("x".parse::<u8>().unwrap_err())
    }

    #[test]
    fn an_error_keeps_its_causes_and_hops_across_the_wire() {
        let inner = RemoteError::raised(parse_error()).at(PeerId::named("b"), &BLOCK);
        let outer = RemoteError::raised(Raised::from(inner)).at(PeerId::named("a"), &BLOCK);
        let bytes = Codec::Bincode.encode(0, &outer).unwrap();
        let back: RemoteError = Codec::Bincode.decode(&bytes).unwrap();
        assert_eq!(format!("{back:#}"), format!("{outer:#}"));
        let peers: Vec<_> = back.hops().map(|hop| hop.peer().unwrap()).collect();
        assert_eq!(peers, [PeerId::named("a"), PeerId::named("b")]);
        assert!(format!("{back:#}").ends_with("invalid digit found in string"), "{back:#}");
    }

    #[test]
    fn a_chain_of_as_many_causes_as_there_may_be_is_read_and_one_more_is_refused() {
        let chain = |length: usize| FlatChain((0..length).map(|_| FlatCause::Text(String::new())).collect());
        let decode = |chain| {
            let bytes = Codec::Bincode.encode(0, &chain).unwrap();
            Codec::Bincode.decode::<RemoteError>(&bytes)
        };
        assert!(decode(chain(MAX_CAUSES + 1)).is_ok());
        let error = decode(chain(100_000)).unwrap_err();
        let reason = error.source().unwrap().to_string();
        assert!(decode(chain(MAX_CAUSES + 2)).is_err());
        assert!(reason.contains("at most 33 causes"), "{reason}");
    }
}
