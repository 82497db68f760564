//! How a call fails: what happened, on which peer, in which block, because of what, and whether
//! the block ran.

mod chain;
pub(crate) mod disclosure;
mod kind;
mod mismatch;
mod name;
#[cfg(all(feature = "actix-web", not(target_family = "wasm")))]
mod response;

use std::error::Error;
use std::fmt;

use serde::{Deserialize, Serialize};

pub(crate) use self::chain::panic_text;
use self::chain::{Cause, FlatChain};
pub use self::kind::{ErrorKind, Ran, Refusal};
pub use self::mismatch::{Mismatch, Older};
use self::name::BlockName;
use crate::block::Block;
use crate::block::raised::Raised;
use crate::identity::peer_id::PeerId;
use crate::util::guard;
use crate::util::shown;

/// The error of a call.
///
/// It contains what happened ([`kind`](Self::kind)), whether the block ran ([`ran`](Self::ran))
/// and where ([`peer`](Self::peer), [`block`](Self::block)). [`Error::source`] is the chain of
/// causes, as it was on the peer where they arose. If a nested call failed, the nested
/// `RemoteError` is itself in that chain, so [`hops`](Self::hops) can follow the failure from peer
/// to peer.
///
/// `{}` prints the error alone, `{:#}` prints it with its causes. Either is one line: control
/// characters in it are escaped. A text that is longer than
/// [`Limits::max_error_text`](crate::Limits::max_error_text) was truncated in the middle. Of a
/// long chain, the first and the last causes are kept.
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
    pub fn raised(raised: Raised, longest: usize) -> Self {
        let raised = raised.into_inner();
        let error = Self::new(ErrorKind::Raised, Ran::Yes).caused_within(raised.as_ref(), longest);
        guard::let_go(raised);
        error
    }

    #[doc(hidden)]
    #[must_use]
    pub fn caused_by(self, source: &(dyn Error + 'static)) -> Self {
        self.caused_within(source, shown::LONGEST)
    }

    /// The same, with no text of a cause that has more bytes than `longest`.
    pub(crate) fn caused_within(mut self, source: &(dyn Error + 'static), longest: usize) -> Self {
        self.0.source = Some(Cause::of(source, longest));
        self
    }

    /// Truncates all texts that have more bytes than `longest`: they come from another peer and
    /// are not trusted.
    pub(crate) fn cut(&mut self, longest: usize) {
        self.0.kind.cut(longest);
        if let Some(block) = &mut self.0.block {
            block.cut(longest);
        }
        if let Some(source) = &mut self.0.source {
            source.cut(longest);
        }
    }

    /// The same without its causes.
    pub(crate) fn without_causes(mut self) -> Self {
        self.0.source = None;
        self
    }

    /// The same with its outermost cause alone, as a text.
    pub(crate) fn with_one_cause(mut self) -> Self {
        self.0.source = self.source().map(Cause::last);
        self
    }

    /// Sets the target of the call. The calling side knows it; what the other side sends
    /// for it is ignored.
    #[doc(hidden)]
    #[must_use]
    pub fn at(mut self, peer: PeerId, block: &Block) -> Self {
        if let ErrorKind::Refused(Refusal::Skew(mismatch)) = &mut self.0.kind {
            mismatch.compare(block);
        }
        self.0.peer = Some(peer);
        self.0.block = Some(BlockName::of(block));
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

    /// Whether the call failed because the two programs were built from different versions, and
    /// this one is not known to be the newer one. Reload a page, or update a program; a retry
    /// does not help.
    ///
    /// It is about this call's own hop; for a nested call see [`hops`](Self::hops).
    #[must_use]
    pub fn is_outdated(&self) -> bool {
        match &self.0.kind {
            ErrorKind::Refused(Refusal::Skew(mismatch)) => mismatch.older() != Some(Older::Theirs),
            ErrorKind::Refused(Refusal::UnknownBlock { .. }) => true,
            _ => false,
        }
    }

    /// The peer that the call was made to.
    #[must_use]
    pub fn peer(&self) -> Option<PeerId> {
        self.0.peer
    }

    /// The path of the block that was called: module path, function and ordinal.
    #[must_use]
    pub fn block(&self) -> Option<&str> {
        self.0.block.as_ref().map(BlockName::path)
    }

    /// The source file and the line, counted from 1, of the block that was called.
    #[must_use]
    pub fn location(&self) -> Option<(&str, u32)> {
        self.0.block.as_ref().map(BlockName::location)
    }

    /// The error that the block raised, at the end of all hops, for display to users. It is the
    /// text of the error alone, without blocks, peers and ids. `None` if no block raised anything,
    /// or the peer that ran it does not [disclose](crate::Disclosure) it.
    ///
    /// ```
    /// # use distributed_scope_core::RemoteError;
    /// fn for_people(error: &RemoteError) -> String {
    ///     error.raised_text().unwrap_or_else(|| "that did not work, please try again".to_owned())
    /// }
    /// ```
    #[must_use]
    pub fn raised_text(&self) -> Option<String> {
        let last = self.hops().last()?;
        let source = (last.0.kind == ErrorKind::Raised).then(|| last.source())??;
        Some(source.to_string())
    }

    /// This error and the errors of the nested calls that caused it, outermost first: the path of
    /// the failure.
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
        if let (ErrorKind::Refused(Refusal::NotExposed), Some(block)) = (&self.0.kind, &self.0.block) {
            write!(f, ", `.expose(Blocks::named(\"{}\"))`", block.path())?;
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::block::version::Source;
    use crate::wire::codec::Codec;

    static BLOCK: Block = Block::new("app::f#0", "app", "src/app.rs", 3, &[], Source::exact(0));

    fn parse_error() -> Raised {
        Raised::from("x".parse::<u8>().unwrap_err())
    }

    #[test]
    fn an_error_keeps_its_causes_and_hops_across_the_wire() {
        let inner = RemoteError::raised(parse_error(), 100).at(PeerId::named("b"), &BLOCK);
        let outer = RemoteError::raised(Raised::from(inner), 100).at(PeerId::named("a"), &BLOCK);
        let bytes = Codec::Bincode.encode(0, &outer).unwrap();
        let back: RemoteError = Codec::Bincode.decode(&bytes).unwrap();
        assert_eq!(format!("{back:#}"), format!("{outer:#}"));
        let peers: Vec<_> = back.hops().map(|hop| hop.peer().unwrap()).collect();
        assert_eq!(peers, [PeerId::named("a"), PeerId::named("b")]);
        assert!(format!("{back:#}").ends_with("invalid digit found in string"), "{back:#}");
    }
}
