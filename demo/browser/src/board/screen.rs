//! Where a peer asks its user: in a page, or in a test.

use futures_channel::{mpsc, oneshot};

/// The sending half. A browser's peer has it as its data.
#[derive(Debug)]
pub struct Screen(mpsc::UnboundedSender<Asked>);

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
    /// Returns a screen, and the receiver of the questions.
    #[must_use]
    pub fn new() -> (Self, mpsc::UnboundedReceiver<Asked>) {
        let (sender, receiver) = mpsc::unbounded();
        (Self(sender), receiver)
    }

    /// Returns the answer.
    ///
    /// # Errors
    ///
    /// If the screen is closed.
    pub async fn ask(&self, text: String) -> Result<bool, Closed> {
        let (answer, answered) = oneshot::channel();
        self.0.unbounded_send(Asked { text, answer }).map_err(|_| Closed)?;
        answered.await.map_err(|_| Closed)
    }
}
