//! What a subscriber gets.

use serde::{Deserialize, Serialize};

/// What a subscriber of a [`Topic`](crate::Topic) gets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Update<T, S = ()> {
    /// The whole state. It contains all items that were published before.
    State(S),
    /// An item that was published.
    Item(T),
    /// This many items were missed, because the subscriber was slow. The state follows.
    Lagged(u64),
}

/// The same, to be written.
#[derive(Serialize)]
#[serde(rename = "Update")]
pub(super) enum Written<'a, T, S> {
    State(&'a S),
    Item(&'a T),
    Lagged(u64),
}
