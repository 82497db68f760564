//! The errors of connecting, on a server and in a page. A browser reports fewer details.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use crate::peer::Endpoint;
use crate::wire::frame::Reject;

text_is_debug!(ConnectError);

/// The cause of a [`ConnectError`]: an error of the network, of TLS or of the program's own code.
/// It dereferences to that error, which can be displayed and downcast. Clones share the error.
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

/// Why `Peer::connect` failed. Clones share their causes.
#[derive(Clone, thiserror::Error)]
#[cfg_attr(not(target_family = "wasm"), derive(Debug))]
#[non_exhaustive]
pub enum ConnectError {
    /// The URL is not a WebSocket URL.
    #[error(
        "`{url}` is no WebSocket URL ({reason}): write it as `ws://host:port/path` or `wss://host:port/path`"
    )]
    Url {
        /// The URL as it was given.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A page loaded over TLS may not connect without TLS: the browser forbids it.
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
        /// The policy, as far as the browser reports it.
        policy: String,
    },
    /// The host is unreachable, or nothing listens there.
    #[error("cannot reach {url}")]
    Unreachable {
        /// The URL.
        url: String,
        /// The error of the network.
        source: ConnectCause,
    },
    /// The TLS handshake failed: one side did not trust the other. Nothing was sent to the server.
    #[error("no TLS connection with {url}: {reason}")]
    Tls {
        /// The URL.
        url: String,
        /// How to fix it.
        reason: Cow<'static, str>,
        /// What went wrong.
        source: ConnectCause,
    },
    /// An HTTP server answers that is not a peer.
    #[error("{url} answers, but not as a peer: {}{}", answered(*.status, .location.as_deref()), said(.reason))]
    NotAPeer {
        /// The URL.
        url: String,
        /// The HTTP status of the answer.
        status: u16,
        /// The target of the redirect. Peers do not follow redirects, because their credentials
        /// are meant for the configured URL.
        location: Option<String>,
        /// The text of the answer, at most 1 KiB; empty if it has no text.
        reason: String,
        /// How long the server asks to wait (`Retry-After`).
        retry_after: Option<Duration>,
    },
    /// A server answers that does not speak HTTP.
    #[error("{url} does not speak HTTP: {said}")]
    NotHttp {
        /// The URL.
        url: String,
        /// The likely protocol of the server, judged by its answer, and how to fix it.
        said: String,
    },
    /// The server denied this peer access.
    #[error("connection refused by {url}: {}{}", meaning(*.status), said(.reason))]
    Denied {
        /// The URL.
        url: String,
        /// The HTTP status of the answer: 401, 403, 429 or 503.
        status: u16,
        /// The reason that the server gives, as [`Denied`](crate::Denied) on the other side does.
        /// Empty if it gives none, and always empty in a page, because a browser does not report
        /// it.
        reason: String,
        /// How long the server asks to wait (`Retry-After`).
        retry_after: Option<Duration>,
    },
    /// A token would have been sent in plaintext, readable for everyone on the network path.
    #[error(
        "no token was sent to {url}, because the connection is not encrypted: connect with `wss://`, or write `Endpoint::new(url).bearer(token).allow_plaintext()`"
    )]
    Plaintext {
        /// The URL.
        url: String,
    },
    /// The token could not be obtained.
    #[error("no token is available for {url}")]
    Token {
        /// The URL.
        url: String,
        /// The error that the closure given to `Endpoint::bearer_from` returned.
        source: ConnectCause,
    },
    /// The handshake failed: the two peers did not agree to open a session.
    #[error("session refused by {url}")]
    Refused {
        /// The URL.
        url: String,
        /// The reason.
        source: Reject,
    },
    /// The peer there speaks another version of the protocol. Connecting again does not help
    /// before one side is updated.
    #[error("{url} speaks version {theirs} of the protocol and this peer version {ours}: {}", remedy(*.ours, *.theirs))]
    Outdated {
        /// The URL.
        url: String,
        /// The version that this peer speaks.
        ours: u16,
        /// The version that the other side speaks.
        theirs: u16,
    },
    /// The connection was lost before the session was open.
    #[error("{url} closed the connection before the session was open")]
    Closed {
        /// The URL.
        url: String,
    },
    /// The handshake took longer than
    /// [`Limits::handshake_timeout`](crate::Limits::handshake_timeout).
    #[error("{url} did not answer in time")]
    TimedOut {
        /// The URL.
        url: String,
    },
    /// This peer, or its link to that endpoint, was stopped.
    #[error("this peer, or its link to that server, was stopped")]
    Stopped,
}

impl ConnectError {
    /// The error of a handshake that was rejected with this reason.
    #[must_use]
    pub fn refused(url: String, reject: Reject) -> Self {
        match reject {
            Reject::Version { ours, theirs } => Self::Outdated { url, ours, theirs },
            source => Self::Refused { url, source },
        }
    }

    /// How long the other side asks to wait before the next attempt, if it does. A peer that
    /// reconnects automatically waits that long.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Denied { retry_after, .. } | Self::NotAPeer { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// Whether the two sides speak different versions of the protocol. A page can be reloaded to
    /// get the version of its server. Connecting again does not help.
    #[must_use]
    pub fn is_outdated(&self) -> bool {
        matches!(self, Self::Outdated { .. })
    }
}

fn said_policy(policy: &str) -> String {
    if policy.is_empty() { String::new() } else { format!("; the policy is `{policy}`") }
}

/// Which side to update. A page gets its program from a server, so a page is updated by reloading
/// it.
fn remedy(ours: u16, theirs: u16) -> &'static str {
    match (ours < theirs, cfg!(target_family = "wasm")) {
        (true, true) => "reload this page",
        (true, false) => "this program is older; update it",
        (false, true) => "the server is older; update it, then reload this page",
        (false, false) => "the other side is older; update it",
    }
}

/// The meaning of an HTTP answer that is not an upgrade, and how to fix it.
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

/// The target of a redirect as it would be given to `connect`, without parts that may be secret.
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

/// Quotes text that the other side wrote.
fn said(reason: &str) -> String {
    if reason.is_empty() { String::new() } else { format!("; it says {reason:?}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The message names the older side, and the error can be distinguished from a temporary one.
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
