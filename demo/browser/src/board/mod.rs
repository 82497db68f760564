//! A list that several browsers share: what one of them changes goes to the server, and from there
//! to all of them.
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
use distributed_scope::{PeerId, RemoteError, distributed, here, remote};

pub use hop::{Event, HopId, milliseconds};
pub use screen::{Asked, Closed, Screen, Sight};
pub use view::{Edit, Item, ItemId, Person, Removal, View};

#[cfg(feature = "server")]
use crate::server::board::{Board, News};

/// How long an author has to answer. After that the item stays.
pub const TO_ANSWER: Duration = Duration::from_secs(60);

/// Takes a seat at the board and keeps it: from now on the server shows this peer the list and its
/// changes. It ends when the peer leaves, or the call is dropped. A server that was restarted
/// assigns a new seat.
///
/// # Errors
///
/// If the server is not reached, or all seats are taken.
#[distributed]
pub async fn stay(server: PeerId) -> Result<(), RemoteError> {
    let call = remote!(server, [] -> (), #[cfg(feature = "server")] {
        let (board, browser) = (here::data::<Board>()?, here::caller());
        // A browser that is gone has no seat: it is given back when this block is dropped.
        let mut seat = board.take_seat(browser)?;
        while let Some(news) = seat.news().await {
            match news {
                News::View(view) => {
                    let hop = board.begin(here::peer(), browser, "show", &view.news);
                    show(browser, view).await?; // a hop to the browser, which has shown it when this returns
                    hop.ended();
                }
                News::Events(events) => draw(browser, events).await?,
            }
        }
    });
    call.without_timeout().idempotent().await
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
        board.edit(here::caller(), edit)?; // whoever has a seat is shown it by `stay`
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

/// Shows the list to the user at that peer.
///
/// # Errors
///
/// If the peer is no longer connected.
#[distributed]
pub async fn show(browser: PeerId, view: View) -> Result<(), RemoteError> {
    let call = remote!(browser, [view], { here::data::<Screen>()?.show(view).await? });
    // A hidden page may be asleep. It is shown the newest list when it wakes up.
    call.without_timeout().await
}

/// Draws hops at that peer. These calls are not drawn themselves.
///
/// # Errors
///
/// If the peer is no longer connected.
#[distributed]
pub async fn draw(browser: PeerId, events: Vec<Event>) -> Result<(), RemoteError> {
    let call = remote!(browser, [events], { here::data::<Screen>()?.draw(events)? });
    call.without_timeout().await
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
