//! The list that browsers share, where it is kept: every change is made here, one at a time.

mod hops;
mod items;
mod seat;

use std::sync::atomic::AtomicU64;
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use distributed_scope::{PeerId, Receiver, Topic, Update};

use crate::board::{Change, Edit, HopId, Item, ItemId, Person, Step, View};

pub use hops::Hop;
pub use seat::Seat;

/// How many browsers may have a seat at once: a drawing cannot tell more of them apart.
pub const SEATS: usize = 24;
/// The largest number of items on the list.
pub const ITEMS: usize = 200;
/// The longest text of an item, in characters.
pub const TEXT: usize = 200;
/// The list, and its current users. Blocks get it with `here::data`.
#[derive(Debug)]
pub struct Board {
    topic: Topic<Change, View>,
    /// Held from when a change is checked until it is published.
    next_item: Mutex<ItemId>,
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
        let view = View { items, first_hop: HopId(first_hop), ..View::default() };
        Self {
            topic: Topic::with_state(view, View::apply),
            next_item: Mutex::new(next),
            next_hop: AtomicU64::new(first_hop),
        }
    }

    /// The list and its changes, to be returned from a block.
    #[must_use]
    pub fn subscribe(&self) -> Receiver<Update<Change, View>> {
        self.topic.subscribe()
    }

    /// The items now.
    #[must_use]
    pub fn items(&self) -> Vec<Item> {
        self.topic.read(|view| view.items.clone())
    }

    /// Whether this browser has a seat.
    #[must_use]
    pub fn is_here(&self, browser: PeerId) -> bool {
        self.topic.read(|view| view.people.iter().any(|person| person.peer == browser))
    }

    /// Changes the list.
    ///
    /// # Errors
    ///
    /// If the browser has no seat, or the change is not possible.
    pub fn edit(&self, browser: PeerId, edit: Edit) -> Result<(), String> {
        self.change(|view, id| {
            let author = person(view, browser)?;
            let news = format!("{} {}", author.name, items::describe(&view.items, &edit));
            Ok(Some((items::step(&view.items, edit, id, &author)?, news)))
        })
    }

    /// Removes an item.
    ///
    /// # Errors
    ///
    /// If the browser has no seat. Removing an item that does not exist succeeds.
    pub fn remove(&self, browser: PeerId, item: ItemId) -> Result<(), String> {
        self.change(|view, _| {
            let name = person(view, browser)?.name;
            let found = items::find(&view.items, item).ok();
            Ok(found.map(|found| (Step::Removed(item), format!("{name} removed “{}”", found.text))))
        })
    }

    /// Returns the question, and whom to ask, before this browser removes an item.
    ///
    /// # Errors
    ///
    /// If the item does not exist, or the browser has no seat.
    pub fn question(&self, browser: PeerId, item: ItemId) -> Result<Question, String> {
        self.topic.read(|view| {
            let name = person(view, browser)?.name;
            let item = items::find(&view.items, item)?;
            let author = item.author.peer;
            let is_here = view.people.iter().any(|person| person.peer == author);
            Ok(Question {
                author: (is_here && author != browser).then_some(author),
                text: format!("{name} wants to remove your “{}”.", item.text),
                what: format!("“{}”", item.text),
            })
        })
    }

    /// Describes a change in words.
    #[must_use]
    pub fn describe(&self, edit: &Edit) -> String {
        self.topic.read(|view| items::describe(&view.items, edit))
    }

    /// Publishes a change, if there is one: the step and its text. It is made for the list as it
    /// is, with the id of a new item.
    fn change(
        &self,
        change: impl FnOnce(&View, ItemId) -> Result<Option<(Step, String)>, String>,
    ) -> Result<(), String> {
        let mut id = self.next_item.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((step, news)) = self.topic.read(|view| change(view, *id))? else { return Ok(()) };
        *id += 1;
        self.topic.publish(Change::View { step, news }).map_err(|error| error.to_string())
    }
}

fn person(view: &View, browser: PeerId) -> Result<Person, String> {
    let found = view.people.iter().find(|person| person.peer == browser);
    found.cloned().ok_or_else(|| "you are not at the board: take a seat first, with `stay`".to_owned())
}
