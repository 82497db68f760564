//! The causes of an error, as they stand here and as they travel.

use std::error::Error;
use std::fmt::{self, Write as _};

use serde::de::{Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::{BlockName, ErrorKind, Inner, Ran, RemoteError};
use crate::guard;
use crate::id::PeerId;

/// How many causes travel; further ones are dropped, so that a chain from the wire cannot be arbitrarily deep.
const MAX_CAUSES: usize = 32;

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
        Self::Text(Text { text: text_of(error), source: None })
    }

    /// An error with its causes, of which so many are kept as travel.
    pub(super) fn of(error: &(dyn Error + 'static)) -> Self {
        Self::with_causes(error, MAX_CAUSES)
    }

    fn with_causes(error: &(dyn Error + 'static), left: usize) -> Self {
        if let Some(remote) = error.downcast_ref::<RemoteError>() {
            return Self::Remote(remote.clone());
        }
        let source = if left > 1 { source_of(error) } else { None };
        let source = source.map(|source| Box::new(Self::with_causes(source, left - 1)));
        Self::Text(Text { text: text_of(error), source })
    }

    pub(super) fn as_error(&self) -> &(dyn Error + 'static) {
        match self {
            Self::Text(text) => text,
            Self::Remote(error) => error,
        }
    }
}

/// What an error says of itself. That is code of the program, which may fail and may panic.
fn text_of(error: &(dyn Error + 'static)) -> String {
    let mut text = String::new();
    match guard::run(|| write!(text, "{error}")) {
        Ok(Ok(())) => text,
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
