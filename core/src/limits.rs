//! The bounds of a peer: each is a number somebody chose, says its unit, and says what happens at it.

use std::time::Duration;

/// The bounds that a peer keeps, on what it sends as on what it takes.
///
/// ```
/// use distributed_scope_core::Limits;
/// use std::time::Duration;
///
/// let limits = Limits { deadline: Duration::from_secs(2), ..Limits::default() };
/// assert_eq!(limits.message, 16 << 20);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How long a call may take when neither it nor its caller says otherwise. Default: 10 s.
    ///
    /// At the limit the call ends with [`ErrorKind::DeadlineExceeded`](crate::ErrorKind::DeadlineExceeded) and the
    /// block is dropped where it runs. A nested call never gets more time than its caller has left.
    pub deadline: Duration,

    /// The largest message, in bytes, of captures or of a result with its frame header. Default: 16 MiB.
    ///
    /// A larger call is refused before anything is sent; a larger result ends its call with
    /// [`ErrorKind::TooLarge`](crate::ErrorKind::TooLarge); a larger message from the other side ends the session.
    pub message: usize,

    /// How many calls of one session may wait for their results at once. Default: 65,536.
    ///
    /// One more is refused as [`Refusal::Overloaded`](crate::Refusal::Overloaded) before anything is sent.
    pub calls_out: usize,

    /// How many blocks may run at once for one session. Default: 65,536.
    ///
    /// One more is refused as [`Refusal::Overloaded`](crate::Refusal::Overloaded); nothing of it runs.
    pub calls_in: usize,

    /// How many hops a chain of nested calls may have. Default: 64.
    ///
    /// One more is refused as [`Refusal::TooManyHops`](crate::Refusal::TooManyHops), so that two peers that call
    /// each other without end stop.
    pub hops: u8,

    /// How long the other side may take to introduce itself on a new connection. Default: 5 s.
    ///
    /// After that the connection is closed.
    pub handshake: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            deadline: Duration::from_secs(10),
            message: 16 << 20,
            calls_out: 1 << 16,
            calls_in: 1 << 16,
            hops: 64,
            handshake: Duration::from_secs(5),
        }
    }
}
