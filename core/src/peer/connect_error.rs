//! How connecting fails: on a server as in a page, where a browser tells less of it.

use crate::frame::Reject;

/// Why `Peer::connect` did not connect.
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
        /// What the network said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The other side was not trusted, or did not trust this one, and nothing was sent to it.
    #[error("no TLS connection with {url}: {reason}")]
    Tls {
        /// The URL.
        url: String,
        /// What to do about it.
        reason: &'static str,
        /// What went wrong.
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
    /// The peer there did not let this one in.
    #[error("{url} does not let this peer in: {}{}", meaning(*.status), said(.reason))]
    Denied {
        /// The URL.
        url: String,
        /// The HTTP status of the answer: 401, 403, 429 or 503.
        status: u16,
        /// What it says of it, as [`Denied`](crate::Denied) on the other side does. Empty if it says nothing, and in a page, which a browser does
        /// not tell.
        reason: String,
    },
    /// A token would have been sent where everybody on the way can read it.
    #[error(
        "no token was sent to {url}, because everybody on the way could read it: connect with `wss://`, or write `Endpoint::new(url).bearer(token).allow_plaintext()`"
    )]
    Plaintext {
        /// The URL.
        url: String,
    },
    /// There is no token to show.
    #[error("there is no token for {url}")]
    Token {
        /// The URL.
        url: String,
        /// What the closure given to `Endpoint::bearer_from` said.
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

fn meaning(status: u16) -> &'static str {
    match status {
        401 => {
            "it does not know it (HTTP 401); show a token that it takes, `Endpoint::new(url).bearer(token)`"
        }
        403 => "it may not (HTTP 403)",
        429 => "too many have come from there, or at once (HTTP 429); try again later",
        _ => "it cannot find out who it is at present (HTTP 503); try again later",
    }
}

/// Quoted, as somebody else's words.
fn said(reason: &str) -> String {
    if reason.is_empty() { String::new() } else { format!("; it says {reason:?}") }
}
