//! How connecting fails: on a server as in a page, where a browser tells less of it.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use crate::peer::Endpoint;
use crate::wire::frame::Reject;

/// What is behind a [`ConnectError`]: what the network, TLS or the program's own code said. It
/// dereferences to that error, which can be shown and downcast, and clones are shares of it.
#[derive(Clone)]
pub struct ConnectCause(Arc<dyn Error + Send + Sync>);

impl<E: Into<Box<dyn Error + Send + Sync>>> From<E> for ConnectCause {
    fn from(error: E) -> Self {
        Self(Arc::from(error.into()))
    }
}

impl Deref for ConnectCause {
    type Target = dyn Error + Send + Sync;

    fn deref(&self) -> &Self::Target {
        &*self.0
    }
}

impl fmt::Debug for ConnectCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for ConnectCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// Why `Peer::connect` did not connect. Clones share their causes.
#[derive(Clone, Debug, thiserror::Error)]
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
    /// A page that came over TLS may not connect without TLS: the browser forbids it.
    #[error("a page from `https://` may not connect to {url}, which is not encrypted: write `wss://`")]
    Insecure {
        /// The URL.
        url: String,
    },
    /// The page's Content-Security-Policy blocks the connection.
    #[error("connection to {url} blocked by the Content-Security-Policy of this page: add the host to `connect-src`{}", said_policy(.policy))]
    Forbidden {
        /// The URL.
        url: String,
        /// The policy, as far as the browser tells it.
        policy: String,
    },
    /// Nothing answers there.
    #[error("cannot reach {url}")]
    Unreachable {
        /// The URL.
        url: String,
        /// What the network said.
        source: ConnectCause,
    },
    /// The other side was not trusted, or did not trust this one, and nothing was sent to it.
    #[error("no TLS connection with {url}: {reason}")]
    Tls {
        /// The URL.
        url: String,
        /// What to do about it.
        reason: Cow<'static, str>,
        /// What went wrong.
        source: ConnectCause,
    },
    /// Something answers in HTTP, and it is not a peer.
    #[error("{url} answers, but not as a peer: {}{}", answered(*.status, .location.as_deref()), said(.reason))]
    NotAPeer {
        /// The URL.
        url: String,
        /// The HTTP status of the answer.
        status: u16,
        /// Where it redirects to. Peers do not follow, because what they show is meant for the one
        /// that they were told.
        location: Option<String>,
        /// What it says, at most 1 KiB; empty if it says nothing.
        reason: String,
        /// How long it asks to wait (`Retry-After`).
        retry_after: Option<Duration>,
    },
    /// Something answers, and not in HTTP.
    #[error("{url} does not speak HTTP: {said}")]
    NotHttp {
        /// The URL.
        url: String,
        /// What it seems to be, by what it says, and what to do about it.
        said: String,
    },
    /// The peer there did not let this one in.
    #[error("{url} does not let this peer in: {}{}", meaning(*.status), said(.reason))]
    Denied {
        /// The URL.
        url: String,
        /// The HTTP status of the answer: 401, 403, 429 or 503.
        status: u16,
        /// What it says of it, as [`Denied`](crate::Denied) on the other side does. Empty if it
        /// says nothing, and in a page, which a browser does not tell.
        reason: String,
        /// How long it asks to wait (`Retry-After`).
        retry_after: Option<Duration>,
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
        source: ConnectCause,
    },
    /// The two could not agree to open a session.
    #[error("{url} is a peer, and the session was refused")]
    Refused {
        /// The URL.
        url: String,
        /// Why.
        source: Reject,
    },
    /// The peer there speaks another version of the protocol. Dialling again does not help before
    /// one side is updated.
    #[error("{url} speaks version {theirs} of the protocol and this peer version {ours}: {}", remedy(*.ours, *.theirs))]
    Outdated {
        /// The URL.
        url: String,
        /// The version that this peer speaks.
        ours: u16,
        /// The version that the other side speaks.
        theirs: u16,
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
    /// This peer was stopped, or its link to that place.
    #[error("this peer was stopped, or its link to that place")]
    Stopped,
}

impl ConnectError {
    /// The error of a handshake that ended so.
    #[must_use]
    pub fn refused(url: String, reject: Reject) -> Self {
        match reject {
            Reject::Version { ours, theirs } => Self::Outdated { url, ours, theirs },
            source => Self::Refused { url, source },
        }
    }

    /// How long the other side asks to wait before the next attempt, if it does. A peer that comes
    /// back by itself waits that long.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Denied { retry_after, .. } | Self::NotAPeer { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// Whether the two sides speak different versions of the protocol. A page can be loaded again
    /// to get the version of its server; connecting again is of no use.
    #[must_use]
    pub fn is_outdated(&self) -> bool {
        matches!(self, Self::Outdated { .. })
    }
}

fn said_policy(policy: &str) -> String {
    if policy.is_empty() { String::new() } else { format!("; the policy is `{policy}`") }
}

/// Which side to update. What a page is made of comes from a server, so a page is updated by
/// loading it again.
fn remedy(ours: u16, theirs: u16) -> &'static str {
    match (ours < theirs, cfg!(target_family = "wasm")) {
        (true, true) => "reload this page",
        (true, false) => "this program is older; update it",
        (false, true) => "the server is older; update it, then reload this page",
        (false, false) => "the other side is older; update it",
    }
}

/// What an answer means that is no upgrade, and what to do about it.
fn answered(status: u16, location: Option<&str>) -> String {
    let text = match (status, location) {
        (301 | 302 | 303 | 307 | 308, Some(location)) => {
            return format!(
                "it redirects to {:?} (HTTP {status}); connect to where the peer is",
                address(location)
            );
        }
        (101, _) => "it upgrades to something that is no WebSocket",
        (400, _) => {
            "it does not take the request for a WebSocket; a proxy on the way may drop the headers `Upgrade` and `Connection`"
        }
        (404, _) => "nothing is served there; is the path the one that was given to `peer.service(..)`?",
        (426, _) => {
            "it saw no request to upgrade; let the proxy on the way pass on the headers `Upgrade` and `Connection`"
        }
        (431, _) => "the headers are too large for it; is the token too long?",
        (502 | 504, _) => "a proxy answers that does not reach the server behind it; is the server running?",
        _ => "is the path the one that was given to `peer.service(..)`?",
    };
    format!("{text} (HTTP {status})")
}

/// Where a redirect leads to, as it would be given to `connect`, and without what may be secret in
/// it.
fn address(location: &str) -> String {
    let is =
        |scheme: &str| location.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme));
    let location = match () {
        () if is("https://") => format!("wss{}", &location[5..]),
        () if is("http://") => format!("ws{}", &location[4..]),
        () => location.to_owned(),
    };
    Endpoint::new(location).to_string()
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

#[cfg(test)]
mod tests {
    use super::*;

    /// The older side is named, whichever it is, and the error is told from one that may pass.
    #[test]
    fn outdated_names_the_older_side() {
        let outdated = |ours, theirs| {
            let error = ConnectError::refused("ws://a/".to_owned(), Reject::Version { ours, theirs });
            assert!(error.is_outdated());
            error.to_string()
        };
        assert_eq!(
            outdated(1, 2),
            "ws://a/ speaks version 2 of the protocol and this peer version 1: this program is older; update it"
        );
        assert!(outdated(2, 1).ends_with("the other side is older; update it"));
        assert!(!ConnectError::refused("ws://a/".to_owned(), Reject::Full).is_outdated());
    }
}
