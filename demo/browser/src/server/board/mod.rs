//! The list that browsers share, where it is kept: every change is made here, one at a time.

mod hops;
mod items;
mod seat;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use distributed_scope::PeerId;
use tokio::sync::{broadcast, watch};

use crate::board::{Edit, Event, HopId, Item, ItemId, Person, View};

pub use hops::Hop;
pub use seat::{News, Seat};

/// How many browsers may have a seat at once: a drawing cannot tell more of them apart.
pub const SEATS: usize = 24;
/// The largest number of items on the list.
pub const ITEMS: usize = 200;
/// The longest text of an item, in characters.
pub const TEXT: usize = 200;
/// How many events are queued for a slow browser. Older ones are dropped.
const EVENTS: usize = 256;

/// The list, and its current users. Blocks get it with `here::data`.
#[derive(Debug)]
pub struct Board {
    view: watch::Sender<View>,
    events: broadcast::Sender<Event>,
    next_item: AtomicU64,
    next_hop: AtomicU64,
}

/// The question to ask before an item is removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// Its author, if that is another user who is here.
    pub author: Option<PeerId>,
    /// The text of the question.
    pub text: String,
    /// The item, described for users.
    pub what: String,
}

impl Default for Board {
    fn default() -> Self {
        Self::with(Vec::new())
    }
}

impl Board {
    /// A board with these items.
    #[must_use]
    pub fn with(items: Vec<Item>) -> Self {
        let next = items.iter().map(|item| item.id + 1).max().unwrap_or(1);
        // After all of a server that was here before.
        let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let first_hop = u64::try_from(since_1970.as_micros()).unwrap_or_default();
        Self {
            view: watch::Sender::new(View { items, first_hop: HopId(first_hop), ..View::default() }),
            events: broadcast::Sender::new(EVENTS),
            next_item: AtomicU64::new(next),
            next_hop: AtomicU64::new(first_hop),
        }
    }

    /// What is to be seen, now and later.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<View> {
        self.view.subscribe()
    }

    /// Whether this browser has a seat.
    #[must_use]
    pub fn is_here(&self, browser: PeerId) -> bool {
        self.view.borrow().people.iter().any(|person| person.peer == browser)
    }

    /// Changes the list.
    ///
    /// # Errors
    ///
    /// If the browser has no seat, or the change is not possible.
    pub fn edit(&self, browser: PeerId, edit: Edit) -> Result<(), String> {
        let id = self.next_item.fetch_add(1, Ordering::Relaxed);
        self.change(|view| {
            let author = person(view, browser)?;
            let what = items::describe(&view.items, &edit);
            items::apply(&mut view.items, edit, id, &author)?;
            view.news = format!("{} {what}", author.name);
            Ok(())
        })
    }

    /// Removes an item.
    ///
    /// # Errors
    ///
    /// If the browser has no seat. Removing an item that does not exist succeeds.
    pub fn remove(&self, browser: PeerId, item: ItemId) -> Result<(), String> {
        self.change(|view| {
            let name = person(view, browser)?.name;
            if let Some(index) = view.items.iter().position(|other| other.id == item) {
                let removed = view.items.remove(index);
                view.news = format!("{name} removed “{}”", removed.text);
            }
            Ok(())
        })
    }

    /// Returns the question, and whom to ask, before this browser removes an item.
    ///
    /// # Errors
    ///
    /// If the item does not exist, or the browser has no seat.
    pub fn question(&self, browser: PeerId, item: ItemId) -> Result<Question, String> {
        let view = self.view.borrow();
        let name = person(&view, browser)?.name;
        let item = items::find(&view.items, item)?;
        let author = item.author.peer;
        let is_here = view.people.iter().any(|person| person.peer == author);
        Ok(Question {
            author: (is_here && author != browser).then_some(author),
            text: format!("{name} wants to remove your “{}”.", item.text),
            what: format!("“{}”", item.text),
        })
    }

    /// Describes a change in words.
    #[must_use]
    pub fn describe(&self, edit: &Edit) -> String {
        items::describe(&self.view.borrow().items, edit)
    }

    /// Makes a change and shows it to all browsers, unless it fails.
    fn change(&self, change: impl FnOnce(&mut View) -> Result<(), String>) -> Result<(), String> {
        let mut result = Ok(());
        self.view.send_if_modified(|view| {
            result = change(view);
            result.is_ok()
        });
        result
    }
}

fn person(view: &View, browser: PeerId) -> Result<Person, String> {
    let found = view.people.iter().find(|person| person.peer == browser);
    found.cloned().ok_or_else(|| "you are not at the board: take a seat first, with `stay`".to_owned())
}
