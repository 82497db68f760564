//! Where a peer shows what it receives: in a page, or in a test.

use futures_channel::{mpsc, oneshot};

use super::hop::Event;
use super::view::View;

/// The sending half. A browser's peer has it as its data.
#[derive(Debug)]
pub struct Screen(mpsc::UnboundedSender<Sight>);

/// What a screen shows.
#[derive(Debug)]
pub enum Sight {
    /// The list, and the channel to notify when it is shown.
    View(View, oneshot::Sender<()>),
    /// Events of hops.
    Events(Vec<Event>),
    /// A question.
    Question(Asked),
}

/// A question to the user. It is taken back when no caller waits for the answer any longer, which
/// is when the sender is closed.
#[derive(Debug)]
pub struct Asked {
    /// The text of the question.
    pub text: String,
    /// The channel for the answer.
    pub answer: oneshot::Sender<bool>,
}

/// The screen is closed: nothing reads from it any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closed;

impl std::fmt::Display for Closed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("this peer shows nothing any more")
    }
}

impl std::error::Error for Closed {}

impl Screen {
    /// Returns a screen, and the receiver of what it shows.
    #[must_use]
    pub fn new() -> (Self, mpsc::UnboundedReceiver<Sight>) {
        let (sender, receiver) = mpsc::unbounded();
        (Self(sender), receiver)
    }

    /// Returns when it is shown.
    ///
    /// # Errors
    ///
    /// If the screen is closed.
    pub async fn show(&self, view: View) -> Result<(), Closed> {
        let (shown, is_shown) = oneshot::channel();
        self.0.unbounded_send(Sight::View(view, shown)).map_err(|_| Closed)?;
        is_shown.await.map_err(|_| Closed)
    }

    /// Shows hops.
    ///
    /// # Errors
    ///
    /// If the screen is closed.
    pub fn draw(&self, events: Vec<Event>) -> Result<(), Closed> {
        self.0.unbounded_send(Sight::Events(events)).map_err(|_| Closed)
    }

    /// Returns the answer.
    ///
    /// # Errors
    ///
    /// If the screen is closed.
    pub async fn ask(&self, text: String) -> Result<bool, Closed> {
        let (answer, answered) = oneshot::channel();
        self.0.unbounded_send(Sight::Question(Asked { text, answer })).map_err(|_| Closed)?;
        answered.await.map_err(|_| Closed)
    }
}
