//! Search and display, as the original has it: one function, from the page to the index and back.

#[cfg(feature = "server")]
use distributed_scope::here;
use distributed_scope::{PeerId, Receiver, RemoteError, distributed, remote};
use serde::{Deserialize, Serialize};

use crate::kind::Kind;

/// What a user searches for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Query {
    /// The text as it was typed. The last word may be incomplete.
    pub text: String,
    /// If set, only entries of this kind are searched.
    pub kind: Option<Kind>,
}

/// One entry that matches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hit {
    /// Its path or heading.
    pub title: String,
    /// The kind of the entry.
    pub kind: Kind,
    /// The crate that contains it, and that crate's version.
    pub krate: String,
    /// See `krate`.
    pub version: String,
    /// The file in that crate, and the line.
    pub place: String,
    /// An excerpt of its text, in which matches are between [`MARK`] and [`UNMARK`].
    pub excerpt: String,
}

/// Begins a match in an excerpt.
pub const MARK: char = '\u{2}';
/// Ends a match.
pub const UNMARK: char = '\u{3}';

/// The progress of the index.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// The number of crates whose documentation can be found.
    pub crates: u32,
    /// The number of crates when it is complete; 0 while that is not known.
    pub of: u32,
    /// The number of entries.
    pub entries: u32,
}

impl Progress {
    /// Whether the index is complete.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.of > 0 && self.crates == self.of
    }
}

/// Searches where the index is, and shows the results where the page is, as they are found.
/// Dropping it stops the search.
///
/// # Errors
///
/// If a peer is not reached in time, or the search fails.
#[distributed]
pub async fn search_and_display(server: PeerId, page: PeerId, query: Query) -> Result<(), RemoteError> {
    remote!(server, [server, page, query], {
        let hits = search(server, query.clone()).await?; // on this peer: no hop
        display(page, query, hits).await? // and back to the page, with the stream of what is found
    })
    .await
}

/// Searches. The stream has the best matches, best first. Its body is compiled only for the server,
/// with the database that it uses.
///
/// # Errors
///
/// If the server is not reached in time, or the index cannot be opened. The stream ends with an
/// error if the search fails.
#[distributed]
pub async fn search(server: PeerId, query: Query) -> Result<Receiver<Hit>, RemoteError> {
    remote!(server, [query: Query] -> Receiver<Hit>, #[cfg(feature = "server")] {
        here::data::<crate::server::Index>()?.search(query)?
    })
    .await
}

/// Shows the results as they arrive. Its body is compiled only for pages, with the elements that it
/// changes.
///
/// # Errors
///
/// If the page is not reached in time, or the search fails.
#[distributed]
pub async fn display(page: PeerId, query: Query, hits: Receiver<Hit>) -> Result<(), RemoteError> {
    remote!(page, [query: Query, hits: Receiver<Hit>] -> (), #[cfg(target_family = "wasm")] {
        crate::page::results::show(&query, hits).await?
    })
    .await
}

/// Waits until the index has grown beyond `seen`, and returns its progress.
///
/// # Errors
///
/// If the server is not reached.
#[distributed]
pub async fn progress(server: PeerId, seen: Progress) -> Result<Progress, RemoteError> {
    let call = remote!(server, [seen: Progress] -> Progress, #[cfg(feature = "server")] {
        here::data::<crate::server::Index>()?.further_than(seen).await
    });
    call.without_timeout().idempotent().await
}
