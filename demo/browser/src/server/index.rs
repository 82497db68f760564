//! The index: a full-text table of SQLite, in a file. One connection fills it while others search.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use distributed_scope::{Receiver, channel};
use rusqlite::{Connection, OpenFlags, params, params_from_iter};
use tokio::sync::watch;

use super::docs::Entry;
use crate::kind::Kind;
use crate::search::{Hit, MARK, Progress, Query, UNMARK};

/// The largest number of hits: what fits on a page that users read.
const HITS: u32 = 20;

/// The weight of a word in the name of an item, in its whole path, and in its text.
const WEIGHTS: &str = "20.0, 5.0, 1.0";

/// An index that can be searched. Blocks get it with `here::data`.
#[derive(Debug)]
pub struct Index {
    file: PathBuf,
    /// Idle connections.
    idle: Mutex<Vec<Connection>>,
    progress: watch::Sender<Progress>,
}

/// Why a search failed.
#[derive(Debug)]
pub struct SearchError(rusqlite::Error);

impl std::fmt::Display for SearchError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the index cannot be searched")
    }
}

impl std::error::Error for SearchError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

impl From<rusqlite::Error> for SearchError {
    fn from(error: rusqlite::Error) -> Self {
        Self(error)
    }
}

/// Fills an index.
#[derive(Debug)]
pub struct Writer(Connection);

impl Index {
    /// Creates an empty index in this file, replacing an existing one, and what fills it.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn create(file: &Path) -> Result<(Self, Writer), SearchError> {
        for end in ["", "-wal", "-shm"] {
            let mut name = file.as_os_str().to_owned();
            name.push(end);
            // It is not there at the first start.
            let _ = std::fs::remove_file(name);
        }
        let writer = Connection::open(file)?;
        // It is made anew at each start, so a crash may cost it.
        writer.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF;
             CREATE VIRTUAL TABLE entries USING fts5(
                 name, title, text, kind UNINDEXED, krate UNINDEXED, version UNINDEXED, place UNINDEXED,
                 tokenize = 'unicode61 remove_diacritics 2', prefix = '1 2 3');",
        )?;
        let index =
            Self { file: file.to_owned(), idle: Mutex::default(), progress: watch::Sender::default() };
        Ok((index, Writer(writer)))
    }

    /// Notifies waiting callers of the progress of the index.
    pub fn set_progress(&self, progress: Progress) {
        self.progress.send_replace(progress);
    }

    /// Waits until the index has grown beyond this.
    pub async fn further_than(&self, seen: Progress) -> Progress {
        let mut progress = self.progress.subscribe();
        // The sender is `self`: it is there.
        progress.wait_for(|now| *now != seen).await.map_or(seen, |now| *now)
    }

    /// The best entries for a query, as they are found. If the receiver is dropped, the database
    /// stops searching. The stream ends with an error if the file cannot be read.
    ///
    /// # Errors
    ///
    /// If the file cannot be opened.
    pub fn search(self: &Arc<Self>, query: Query) -> Result<Receiver<Hit>, SearchError> {
        let (sender, receiver) = channel(HITS);
        let Some(terms) = terms(&query.text) else {
            sender.finish();
            return Ok(receiver);
        };
        let connection = self.connection()?;
        let stop = connection.get_interrupt_handle();
        let unwanted = sender.clone();
        let index = Arc::clone(self);
        let searching = tokio::task::spawn_blocking(move || {
            // All hits fit into the channel, so this does not wait.
            let found = search(&connection, &terms, query.kind, |hit| sender.send_blocking(hit).is_ok());
            (connection, sender, found)
        });
        tokio::spawn(async move {
            let mut searching = searching;
            let ended = tokio::select! {
                ended = &mut searching => ended,
                () = unwanted.closed() => {
                    stop.interrupt();
                    // The connection is used again only when the search has ended.
                    searching.await
                }
            };
            // If it panicked, its sender was dropped: the stream ends as cancelled.
            let Ok((connection, sender, found)) = ended else { return };
            index.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
            match found {
                Ok(()) => sender.finish(),
                Err(error) => sender.fail(error),
            }
        });
        Ok(receiver)
    }

    fn connection(&self) -> Result<Connection, SearchError> {
        if let Some(connection) = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop() {
            return Ok(connection);
        }
        Ok(Connection::open_with_flags(
            &self.file,
            OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
        )?)
    }
}

impl Writer {
    /// Adds the documentation of a crate. It can be found when this has returned.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn add<'a>(
        &mut self,
        krate: &str,
        version: &str,
        entries: impl IntoIterator<Item = (&'a str, &'a Entry)>,
    ) -> Result<u32, SearchError> {
        let transaction = self.0.transaction()?;
        let mut count = 0;
        {
            let mut insert =
                transaction.prepare_cached("INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?, ?)")?;
            for (file, entry) in entries {
                let name = entry.title.rsplit("::").next().unwrap_or_default();
                let place = format!("{file}:{}", entry.line);
                insert.execute(params![
                    name,
                    entry.title,
                    entry.text,
                    entry.kind.name(),
                    krate,
                    version,
                    place
                ])?;
                count += 1;
            }
        }
        transaction.commit()?;
        Ok(count)
    }
}

/// A query in the syntax of FTS5.
#[derive(Debug, PartialEq, Eq)]
struct Terms {
    expression: String,
    /// The best ones come first; otherwise the first ones that are found.
    are_ranked: bool,
}

/// Each word of a text, the last one as a prefix. `None` if the text has no words.
fn terms(text: &str) -> Option<Terms> {
    let words: Vec<_> = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    // A few letters begin a word of nearly every text, and to rank all of them takes a tenth of a
    // second: so they are looked for where they mean something.
    let length = if let [only] = words[..] { only.chars().count() } else { usize::MAX };
    let columns = match length {
        0..=2 => "name : ^",
        3..=4 => "{name title} : ",
        _ => "",
    };
    let words: Vec<_> = words.into_iter().map(|word| format!("\"{word}\"")).collect();
    let expression = format!("{columns}{}*", words.join(" "));
    (!words.is_empty()).then_some(Terms { expression, are_ranked: length > 2 })
}

/// Gives the hits to `take`, until it returns false.
fn search(
    connection: &Connection,
    terms: &Terms,
    kind: Option<Kind>,
    mut take: impl FnMut(Hit) -> bool,
) -> Result<(), SearchError> {
    let only = if kind.is_some() { "AND kind = ?2" } else { "" };
    let order = if terms.are_ranked { format!("ORDER BY bm25(entries, {WEIGHTS})") } else { String::new() };
    // The excerpts are made for those hits alone that are given.
    let mut statement = connection.prepare_cached(&format!(
        "SELECT title, kind, krate, version, place, snippet(entries, 2, char({mark}), char({unmark}), ' … ', 28)
         FROM entries WHERE entries MATCH ?1 {only} {order} LIMIT {HITS}",
        mark = u32::from(MARK),
        unmark = u32::from(UNMARK),
    ))?;
    let values = std::iter::once(terms.expression.as_str()).chain(kind.map(Kind::name));
    let hits = statement.query_map(params_from_iter(values), |row| {
        Ok(Hit {
            title: row.get(0)?,
            kind: Kind::of(&row.get::<_, String>(1)?).unwrap_or(Kind::Guide),
            krate: row.get(2)?,
            version: row.get(3)?,
            place: row.get(4)?,
            excerpt: row.get(5)?,
        })
    })?;
    for hit in hits {
        if !take(hit?) {
            break;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "in a test, to panic is to fail")]

    use futures_util::StreamExt;

    use super::*;

    fn entry(kind: Kind, title: &str, text: &str) -> Entry {
        Entry { kind, title: title.to_owned(), text: text.to_owned(), line: 7 }
    }

    fn titles(index: &Arc<Index>, text: &str, kind: Option<Kind>) -> Vec<String> {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let hits = index.search(Query { text: text.to_owned(), kind }).unwrap();
            hits.map(|hit| hit.unwrap().title).collect().await
        })
    }

    fn library(name: &str) -> (Arc<Index>, Writer) {
        let file = std::env::temp_dir().join(format!("demo-browser-{}-{name}.sqlite", std::process::id()));
        let (index, mut writer) = Index::create(&file).unwrap();
        let entries = [
            entry(Kind::Function, "tokio::sync::mpsc::channel", "Creates a bounded channel."),
            entry(Kind::Type, "tokio::time::Timeout", "Waits with a limit; see the channel of a select."),
            entry(Kind::Guide, "tokio README: Überblick", "What it is."),
        ];
        writer.add("tokio", "1.0.0", entries.iter().map(|entry| ("src/lib.rs", entry))).unwrap();
        (Arc::new(index), writer)
    }

    #[test]
    fn each_word_must_be_there_and_the_last_one_may_be_a_beginning() {
        let (index, _writer) = library("words");
        assert_eq!(titles(&index, "bounded chan", None), ["tokio::sync::mpsc::channel"]);
        assert_eq!(titles(&index, "bound channel", None), [""; 0]);
        assert_eq!(titles(&index, "uberbl", None), ["tokio README: Überblick"]);
        assert_eq!(titles(&index, " \"*:( ", None), [""; 0], "what FTS5 gives a meaning has none here");
    }

    #[test]
    fn names_count_more_than_texts_and_a_kind_can_be_asked_for() {
        let (index, _writer) = library("kinds");
        assert_eq!(titles(&index, "channel", None), ["tokio::sync::mpsc::channel", "tokio::time::Timeout"]);
        assert_eq!(titles(&index, "channel", Some(Kind::Type)), ["tokio::time::Timeout"]);
    }

    #[test]
    fn a_letter_is_looked_for_in_names() {
        let (index, _writer) = library("letters");
        assert_eq!(titles(&index, "c", None), ["tokio::sync::mpsc::channel"]);
    }

    /// A search that is no longer wanted ends, and its connection is used again.
    #[test]
    fn dropped_search_ends() {
        let (index, _writer) = library("dropped");
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            for _ in 0..10 {
                drop(index.search(Query { text: "channel".to_owned(), kind: None }).unwrap());
                while index.idle.lock().unwrap().is_empty() {
                    tokio::task::yield_now().await;
                }
            }
        });
        assert_eq!(index.idle.lock().unwrap().len(), 1);
    }

    #[test]
    fn what_is_added_can_be_found_while_more_is_to_come() {
        let (index, mut writer) = library("meanwhile");
        assert_eq!(titles(&index, "serialize", None), [""; 0]);
        let added = entry(Kind::Trait, "serde::Serialize", "Serialize it.");
        writer.add("serde", "1.0.0", [("src/lib.rs", &added)]).unwrap();
        assert_eq!(titles(&index, "serialize", None), ["serde::Serialize"]);
    }
}
