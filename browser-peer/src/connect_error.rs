//! How connecting fails. A browser tells a page less of it than a program knows: what both know has the same names.

use distributed_scope_core::Reject;

/// Why [`Peer::connect`](crate::Peer::connect) did not connect.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The URL is not one of a WebSocket.
    #[error(
        "`{url}` is no WebSocket URL ({reason}): write it as `ws://host:port/path` or `wss://host:port/path`"
    )]
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
        /// Where to look.
        source: Box<dyn std::error::Error + Send + Sync>,
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
    /// It took longer than [`Limits::handshake`](distributed_scope_core::Limits::handshake).
    #[error("{url} did not answer in time")]
    TimedOut {
        /// The URL.
        url: String,
    },
    /// This peer was stopped.
    #[error("this peer was stopped")]
    Stopped,
}
