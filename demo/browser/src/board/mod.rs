//! A list that several browsers share: what one of them changes goes to the server, and from there
//! to all of them, as an item of a topic.
//!
//! Each function here is one path of the program between its peers. A browser and a program that
//! replaces it in tests run the same bodies, so the tests of this crate need no browser.

mod hop;
pub mod layout;
mod screen;
mod view;

use std::time::Duration;

#[cfg(feature = "server")]
use distributed_scope::ErrorKind;
use distributed_scope::{PeerId, Receiver, RemoteError, Update, distributed, here, remote};

pub use hop::{Event, HopId, milliseconds};
pub use screen::{Asked, Closed, Screen};
pub use view::{Change, Edit, Item, ItemId, Person, Removal, Step, View};

#[cfg(feature = "server")]
use crate::server::board::Board;

/// How long an author has to answer. After that the item stays.
pub const TO_ANSWER: Duration = Duration::from_secs(60);

/// Takes a seat at the board and keeps it, until the peer leaves or the call is dropped. A server
/// that was restarted assigns a new seat.
///
/// # Errors
///
/// If the server is not reached, or all seats are taken.
#[distributed]
pub async fn stay(server: PeerId) -> Result<(), RemoteError> {
    let call = remote!(server, [] -> (), #[cfg(feature = "server")] {
        let _seat = here::data::<Board>()?.take_seat(here::caller())?; // given back when this block is dropped
        std::future::pending::<()>().await
    });
    call.without_timeout().idempotent().await
}

/// The list, and then each change of it.
///
/// # Errors
///
/// If the server is not reached.
#[distributed]
pub async fn changes(server: PeerId) -> Result<Receiver<Update<Change, View>>, RemoteError> {
    remote!(server, [] -> Receiver<Update<Change, View>>, #[cfg(feature = "server")] {
        here::data::<Board>()?.subscribe()
    })
    .await
}

/// Changes the list for all browsers. Returns the hop of this call, for [`took`].
///
/// # Errors
///
/// If the server is not reached in time, or the change is no longer possible.
#[distributed]
pub async fn edit(server: PeerId, edit: Edit) -> Result<HopId, RemoteError> {
    remote!(server, [edit: Edit] -> HopId, #[cfg(feature = "server")] {
        let board = here::data::<Board>()?;
        let hop = board.begin(here::caller(), here::peer(), "edit", &board.describe(&edit));
        board.edit(here::caller(), edit)?; // all subscribers of `changes` get it
        hop.goes_on()
    })
    .await
}

/// Removes an item. If another user who is here wrote it, the server asks that user first, and
/// waits for the answer. Dropping the call takes the question back.
///
/// # Errors
///
/// If the server is not reached, or the item does not exist.
#[distributed]
pub async fn remove(server: PeerId, item: ItemId) -> Result<(Removal, HopId), RemoteError> {
    let call = remote!(server, [item: ItemId] -> (Removal, HopId), #[cfg(feature = "server")] {
        let (board, browser) = (here::data::<Board>()?, here::caller());
        let question = board.question(browser, item)?;
        let hop = board.begin(browser, here::peer(), "remove", &question.what);
        let may = match question.author {
            None => Removal::Done,
            Some(author) => {
                let asking = board.begin(here::peer(), author, "ask", &question.what);
                let answer = ask(author, question.text).await; // until somebody there has clicked
                asking.ended();
                match answer {
                    Ok(true) => Removal::Done,
                    Ok(false) => Removal::Refused,
                    // Who loses the connection for good has left, also if the seat is not free yet.
                    Err(error) if *error.kind() == ErrorKind::Disconnected || !board.is_here(author) => Removal::Done,
                    Err(_) => Removal::Unanswered,
                }
            }
        };
        if may == Removal::Done {
            board.remove(browser, item)?;
        }
        (may, hop.goes_on())
    });
    call.timeout(2 * TO_ANSWER).await
}

/// Reports how long a hop took, for all browsers to see: only the caller knows that.
///
/// # Errors
///
/// If the server is not reached in time.
#[distributed]
pub async fn took(server: PeerId, hop: HopId, microseconds: u64) -> Result<(), RemoteError> {
    remote!(server, [hop: HopId, microseconds: u64] -> (), #[cfg(feature = "server")] {
        here::data::<Board>()?.tell(Event::Ended { hop, microseconds: Some(microseconds) });
    })
    .await
}

/// Asks the user at that peer, and waits for the answer.
///
/// # Errors
///
/// If there is no answer within [`TO_ANSWER`].
#[distributed]
pub async fn ask(browser: PeerId, question: String) -> Result<bool, RemoteError> {
    let call = remote!(browser, [question], { here::data::<Screen>()?.ask(question).await? });
    call.timeout(TO_ANSWER).await
}
