//! The causes of an error, as they stand here and as they travel.

use std::collections::VecDeque;
use std::error::Error;
use std::fmt::{self, Write as _};

use serde::de::{Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::{BlockName, ErrorKind, Inner, Ran, RemoteError};
use crate::identity::peer_id::PeerId;
use crate::util::guard;
use crate::util::shown::{self, Cut, OneLine};

/// So many of the first causes are kept, and so many of the last, so that a chain cannot be
/// arbitrarily long: what failed first is at its end.
const KEPT: usize = 16;

/// How many causes travel: those, and a text between them.
const MAX_CAUSES: usize = 2 * KEPT + 1;

/// So many causes of an error of the program are looked at. One could be its own cause.
const LOOKED_AT: usize = 256;

/// Stands in the place of the causes that are not kept.
const LEFT_OUT: &str = "[causes left out]";

/// The first and the last links of a chain.
struct Kept<T> {
    first: Vec<T>,
    last: VecDeque<T>,
    is_cut: bool,
}

impl<T> Kept<T> {
    /// `left_out` makes what stands for the links in between.
    fn of(
        links: impl Iterator<Item = T>,
        left_out: impl FnOnce() -> T,
    ) -> impl DoubleEndedIterator<Item = T> {
        let mut kept = Self { first: Vec::new(), last: VecDeque::new(), is_cut: false };
        for link in links {
            if kept.first.len() < KEPT {
                kept.first.push(link);
            } else {
                kept.is_cut |= kept.last.len() == KEPT && kept.last.pop_front().is_some();
                kept.last.push_back(link);
            }
        }
        let between = kept.is_cut.then(left_out);
        kept.first.into_iter().chain(between).chain(kept.last)
    }
}

/// The text of a panic as a cause.
pub(crate) fn panic_text(text: &str) -> impl Error + 'static {
    Text { text: text.to_owned(), source: None }
}

/// One cause that came from another peer, or is ready to go to one.
#[derive(Clone)]
pub(super) enum Cause {
    Text(Text),
    Remote(RemoteError),
}

#[derive(Clone, Debug)]
pub(super) struct Text {
    text: String,
    source: Option<Box<Cause>>,
}

impl Cause {
    /// A cause without causes of its own.
    pub(super) fn last(error: &(dyn Error + 'static)) -> Self {
        Self::text(text_of(error, shown::LONGEST))
    }

    /// An error with its causes, of which the first and the last are kept. None has a text of more
    /// bytes than `longest`.
    pub(super) fn of(error: &(dyn Error + 'static), longest: usize) -> Self {
        let links = std::iter::successors(Some(error), |error| match error.is::<RemoteError>() {
            true => None,
            false => source_of(*error),
        });
        let causes = links.take(LOOKED_AT).map(|error| match error.downcast_ref::<RemoteError>() {
            Some(remote) => Self::Remote(remote.clone()),
            None => Self::text(text_of(error, longest)),
        });
        let causes = Kept::of(causes, || Self::text(LEFT_OUT.to_owned()));
        // Only the last one has causes of its own.
        causes
            .rev()
            .reduce(|source, cause| cause.because_of(source))
            .unwrap_or_else(|| Self::text(String::new()))
    }

    fn text(text: String) -> Self {
        Self::Text(Text { text, source: None })
    }

    fn because_of(self, source: Self) -> Self {
        match self {
            Self::Text(text) => Self::Text(Text { source: Some(Box::new(source)), ..text }),
            Self::Remote(_) => self,
        }
    }

    /// Cuts all texts that are longer.
    pub(super) fn cut(&mut self, longest: usize) {
        match self {
            Self::Text(Text { text, source }) => {
                shown::cut(text, longest);
                if let Some(source) = source {
                    source.cut(longest);
                }
            }
            Self::Remote(error) => error.cut(longest),
        }
    }

    pub(super) fn as_error(&self) -> &(dyn Error + 'static) {
        match self {
            Self::Text(text) => text,
            Self::Remote(error) => error,
        }
    }
}

/// What an error says of itself. That is code of the program, which may fail and may panic, and
/// say as much as it likes.
fn text_of(error: &(dyn Error + 'static), longest: usize) -> String {
    let mut text = Cut::new(longest);
    match guard::run(|| write!(text, "{error}")) {
        Ok(Ok(())) => text.into_text(),
        Ok(Err(fmt::Error)) => "an error whose `Display` fails".to_owned(),
        Err(_) => "an error whose `Display` panics".to_owned(),
    }
}

/// Its cause, if it can tell.
fn source_of<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    guard::run(|| error.source()).unwrap_or_default()
}

impl fmt::Debug for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.as_error(), f)
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        OneLine(&self.text).fmt(f)
    }
}

impl Error for Text {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(Cause::as_error)
    }
}

/// A chain as it is written: a list, so that decoding it needs no recursion.
#[derive(Serialize)]
pub(super) struct FlatChain(Vec<FlatCause>);

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
        write!(f, "at most {MAX_CAUSES} causes")
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<FlatChain, D::Error> {
        deserializer.deserialize_seq(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut causes: A) -> Result<FlatChain, A::Error> {
        let mut flat = Vec::new();
        while let Some(cause) = causes.next_element()? {
            if flat.len() >= MAX_CAUSES {
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
        let mut next = Some(Cause::Remote(error));
        let links = std::iter::from_fn(|| {
            let (link, source) = match next.take()? {
                Cause::Text(Text { text, source }) => (FlatCause::Text(text), source.map(|s| *s)),
                Cause::Remote(RemoteError(inner)) => {
                    let Inner { kind, ran, peer, block, source } = *inner;
                    (FlatCause::Remote { kind, ran, peer, block }, source)
                }
            };
            next = source;
            Some(link)
        });
        Self(Kept::of(links, || FlatCause::Text(LEFT_OUT.to_owned())).collect())
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
            // Only a peer that does not keep to the protocol sends this; what it sent is kept as
            // the cause.
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
    use crate::block::Block;
    use crate::block::raised::Raised;
    use crate::block::version::Source;
    use crate::error::Refusal;
    use crate::wire::codec::Codec;

    static BLOCK: Block = Block::new("app::f#0", "app", "src/app.rs", 3, &[], Source::exact(0));

    #[test]
    fn a_chain_of_as_many_causes_as_there_may_be_is_read_and_one_more_is_refused() {
        let chain = |length: usize| FlatChain((0..length).map(|_| FlatCause::Text(String::new())).collect());
        let decode = |chain| {
            let bytes = Codec::Bincode.encode(0, &chain).unwrap();
            Codec::Bincode.decode::<RemoteError>(&bytes)
        };
        assert!(decode(chain(MAX_CAUSES)).is_ok());
        let error = decode(chain(100_000)).unwrap_err();
        let reason = error.source().unwrap().to_string();
        assert!(decode(chain(MAX_CAUSES + 1)).is_err());
        assert!(reason.contains("at most 33 causes"), "{reason}");
    }
    /// A chain that is too long keeps what failed first and what was told last, however often it
    /// travels.
    #[test]
    fn long_chain_keeps_both_ends() {
        let mut error = RemoteError::raised(Raised::from("the first cause"), 100);
        for hop in 0..100 {
            let raised =
                RemoteError::raised(Raised::from(error.at(PeerId::named(&hop.to_string()), &BLOCK)), 100);
            let bytes = Codec::Bincode.encode(0, &raised).unwrap();
            error = Codec::Bincode.decode(&bytes).unwrap();
        }
        let text = format!("{error:#}");
        assert!(text.ends_with("raised an error: the first cause"), "{text}");
        assert!(text.contains(&PeerId::named("99").to_string()), "{text}");
        assert_eq!(text.matches(LEFT_OUT).count(), 1);
        assert_eq!(error.hops().count(), 2 * KEPT - 1);
    }

    /// Whatever an error says, its text is short and on one line.
    #[test]
    fn long_text_is_cut_and_shown_on_one_line() {
        let text = "begin\r\n\u{1b}[31m".to_owned() + &"x".repeat(15 << 20) + "\nend";
        let raised = RemoteError::raised(Raised::from(text.clone()), 1000);
        let mut arrived = RemoteError::new(ErrorKind::Refused(Refusal::Forbidden(text.clone())), Ran::Never);
        arrived.0.source = Some(Cause::text(text.clone()).because_of(Cause::text(text)));
        arrived.cut(1000);
        for error in [raised, arrived] {
            let text = format!("{error:#}");
            assert!(text.len() < 4000 && text.ends_with("x\\nend"), "{}", text.len());
            assert!(text.contains("begin\\r\\n\\u{1b}[31m") && !text.chars().any(char::is_control), "{text}");
            assert!(text.contains("bytes left out"), "{text}");
        }
    }
}
