//! Search and display, as the original has it: one function, from the page to the index and back.

#[cfg(feature = "server")]
use distributed_scope::here;
use distributed_scope::{PeerId, RemoteError, distributed, remote};
use serde::{Deserialize, Serialize};

use crate::kind::Kind;

/// What a user searches for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Query {
    /// As it was typed. The last word may be the beginning of one.
    pub text: String,
    /// Only entries of this kind.
    pub kind: Option<Kind>,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// The best ones, best first.
    pub hits: Vec<Hit>,
    /// How long the index took, in microseconds.
    pub microseconds: u64,
}

/// One entry that was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hit {
    /// Its path or heading.
    pub title: String,
    /// What it is.
    pub kind: Kind,
    /// The crate whose documentation it is, and that crate's version.
    pub krate: String,
    /// See `krate`.
    pub version: String,
    /// The file in that crate, and the line.
    pub place: String,
    /// A piece of its text, in which what was looked for stands between [`MARK`] and [`UNMARK`].
    pub excerpt: String,
}

/// Begins what was looked for in an excerpt.
pub const MARK: char = '\u{2}';
/// Ends it.
pub const UNMARK: char = '\u{3}';

/// How far the index is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Of so many crates the documentation can be found.
    pub crates: u32,
    /// Of so many it will be; 0 while that is not known.
    pub of: u32,
    /// So many entries there are.
    pub entries: u32,
}

impl Progress {
    /// Whether nothing more will come.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.of > 0 && self.crates == self.of
    }
}

/// Searches where the index is, and shows the result where the page is. Dropping it stops the
/// search.
///
/// # Errors
///
/// When a peer is not reached in time, or the search fails.
#[distributed]
pub async fn search_and_display(server: PeerId, page: PeerId, query: Query) -> Result<(), RemoteError> {
    remote!(server, [server, page, query], {
        let found = search(server, query.clone()).await?; // on this peer: no hop
        display(page, query, found).await? // and back to the page with what was found
    })
    .await
}

/// Searches. Its body is on the server alone, with the database that it uses.
///
/// # Errors
///
/// When the server is not reached in time, or the search fails.
#[distributed]
pub async fn search(server: PeerId, query: Query) -> Result<Found, RemoteError> {
    remote!(server, [query: Query] -> Found, #[cfg(feature = "server")] {
        here::data::<crate::server::Index>()?.search(query).await?
    })
    .await
}

/// Shows what was found. Its body is in pages alone, with the elements that it changes.
///
/// # Errors
///
/// When the page is not reached in time.
#[distributed]
pub async fn display(page: PeerId, query: Query, found: Found) -> Result<(), RemoteError> {
    remote!(page, [query: Query, found: Found] -> (), #[cfg(target_family = "wasm")] {
        crate::page::results::show(&query, &found)
    })
    .await
}

/// Waits until the index is further than `seen`, and says how far it is.
///
/// # Errors
///
/// When the server is not reached.
#[distributed]
pub async fn progress(server: PeerId, seen: Progress) -> Result<Progress, RemoteError> {
    let call = remote!(server, [seen: Progress] -> Progress, #[cfg(feature = "server")] {
        here::data::<crate::server::Index>()?.further_than(seen).await
    });
    call.without_timeout().idempotent().await
}
