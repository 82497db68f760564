//! How connecting fails: on a server as in a page, where a browser tells less of it.

use crate::frame::Reject;

/// Why `Peer::connect` did not connect.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The URL is not one of a WebSocket.
    #[error("`{url}` is no WebSocket URL ({reason}): write it as `ws://host:port/path`")]
    Url {
        /// The URL as it was given.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Nothing answers there.
    #[error("cannot reach {url}")]
    Unreachable {
        /// The URL.
        url: String,
        /// What the network said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Something answers, and it is not a peer.
    #[error(
        "{url} answered with HTTP status {status} and not as a peer: is the path the one that was given to `peer.service(..)`?"
    )]
    NotAPeer {
        /// The URL.
        url: String,
        /// The HTTP status of the answer.
        status: u16,
    },
    /// The two could not agree to open a session.
    #[error("{url} is a peer, and the session was refused")]
    Refused {
        /// The URL.
        url: String,
        /// Why.
        source: Reject,
    },
    /// The connection was made and lost before the session was open.
    #[error("{url} closed the connection before the session was open")]
    Closed {
        /// The URL.
        url: String,
    },
    /// It took longer than [`Limits::handshake`](crate::Limits::handshake).
    #[error("{url} did not answer in time")]
    TimedOut {
        /// The URL.
        url: String,
    },
    /// This peer was stopped.
    #[error("this peer was stopped")]
    Stopped,
}
