//! The next step for the task that reads a connection.

use std::fmt;
use std::sync::Arc;

use super::Opened;
use crate::peer::{Join, Link, Platform};
use crate::wire::handshake::Guest;

/// What the task that reads a connection has to do next.
#[must_use]
pub enum Next<P: Platform> {
    /// Continue reading.
    Read,
    /// Ask the control plane, whose [`Roster`](crate::peer::Roster) decides, and pass its answer
    /// to [`Connection::decided`](super::Connection::decided). Nothing is read meanwhile.
    Ask(Box<Join<P>>, Asked<P>),
    /// Pause reading until this session [has room](Link::until_room).
    Pause(Arc<Link<P>>),
    /// Stop reading.
    Stop,
}

/// The question to the control plane.
pub struct Asked<P: Platform>(pub(super) Side<P>);

pub(super) enum Side<P: Platform> {
    Accepting(Arc<Guest>),
    Dialling { opened: Option<Opened<P>> },
}

impl<P: Platform> fmt::Debug for Next<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Read => "Read",
            Self::Ask(..) => "Ask",
            Self::Pause(_) => "Pause",
            Self::Stop => "Stop",
        })
    }
}

impl<P: Platform> fmt::Debug for Asked<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Side::Accepting(_) => "Asked(Accepting)",
            Side::Dialling { .. } => "Asked(Dialling)",
        })
    }
}
