//! The client end with awc, the client of actix.
//!
//! | module | idea |
//! |---|---|
//! | here | from a URL to a session |
//! | `addresses`, `race` | the addresses of the URL, and concurrent attempts |
//! | `attempt`, `tcp` | one attempt, up to the response of the server; its TCP connection |
//! | `answer` | the response of a server that does not upgrade |
//! | `first_bytes` | the first bytes of a server that does not speak HTTP |
//! | `failure` | why an attempt failed, and the fix |

mod addresses;
mod answer;
mod attempt;
mod failure;
mod first_bytes;
mod race;
mod tcp;

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashSet;
use std::future::Future;
use std::rc::Rc;
use std::sync::Arc;

use actix_codec::FramedParts;
use awc::http::Uri;
use distributed_scope_core::frame::VERSION;
use distributed_scope_core::peer::ConnectError;
use distributed_scope_core::session::MAX_FRAME;
use futures_channel::oneshot;
use tokio::time::{Instant, timeout_at};

pub(super) use self::attempt::Upgraded;
use self::attempt::{Target, attempt};
use super::conversation::Conversation;
use super::kill::SocketHandle;
use super::reader::{Connection, Reader};
use super::wire::Wire;
use super::{Link, task};
use crate::endpoint::Endpoint;
use crate::platform::Shared;

/// Connects, resuming `old` if possible, and returns when the session is open.
pub(crate) async fn dial(
    shared: Arc<Shared>,
    endpoint: Endpoint,
    old: Option<Arc<Link>>,
) -> Result<Arc<Link>, ConnectError> {
    let uri = parse(&endpoint)?;
    let url = endpoint.to_string();
    let deadline = Instant::now() + shared.limits().handshake_timeout;
    let token = in_time(&url, deadline, endpoint.token(&uri)).await?;
    let is_narrow = old.as_ref().is_some_and(|old| old.is_narrow());
    let Upgraded { framed, socket } = reach(&shared, &endpoint, &uri, token, is_narrow, deadline).await?;
    tracing::debug!(peer = %shared.id(), %url, "connected");
    let (opened, is_open) = oneshot::channel();
    let connection = Connection::dialled(shared, old, opened)
        .wanting(endpoint.wanted())
        .at(socket.as_ref().and_then(SocketHandle::peer_addr))
        .writes_after_reading();
    // Input that arrived together with the response is in the buffer.
    let FramedParts { io, read_buf, .. } = framed.into_parts();
    let reader = Reader::new(connection, socket);
    let other_version = reader.other_version();
    actix_rt::spawn(task::carry(io, Conversation::new(reader, Wire::client(MAX_FRAME, read_buf))));
    let session = async {
        match is_open.await {
            Ok(Ok(link)) => Ok(link),
            Ok(Err(reject)) => Err(ConnectError::refused(url.clone(), reject)),
            Err(oneshot::Canceled) => Err(match other_version.get() {
                Some(theirs) => ConnectError::Outdated { url: url.clone(), ours: VERSION, theirs },
                None => ConnectError::Closed { url: url.clone() },
            }),
        }
    };
    in_time(&url, deadline, session).await
}

async fn in_time<T>(
    url: &str,
    deadline: Instant,
    future: impl Future<Output = Result<T, ConnectError>>,
) -> Result<T, ConnectError> {
    let timed_out = |_| ConnectError::TimedOut { url: url.to_owned() };
    timeout_at(deadline, future).await.map_err(timed_out)?
}

/// Connects to the first address of the URL that answers.
pub(super) async fn reach(
    shared: &Shared,
    endpoint: &Endpoint,
    uri: &Uri,
    token: Option<String>,
    is_narrow: bool,
    deadline: Instant,
) -> Result<Upgraded, ConnectError> {
    let url = endpoint.to_string();
    let found = async {
        let unreachable =
            |error: std::io::Error| ConnectError::Unreachable { url: url.clone(), source: error.into() };
        addresses::resolve(endpoint, uri).await.map_err(unreachable)
    };
    let addresses = in_time(&url, deadline, found).await?;
    let is_named = !addresses::is_literal(uri);
    let accepted = Rc::<RefCell<HashSet<_>>>::default();
    let target = Target { shared, endpoint, uri, token, is_narrow, accepted: Rc::clone(&accepted) };
    let lost = match race::race(addresses, deadline, |address| attempt(&target, address)).await {
        Ok(upgraded) => return Ok(upgraded),
        Err(lost) => lost,
    };
    Err(lost.into_error(url, is_named, |address| accepted.borrow().contains(&address)))
}

pub(super) fn parse(endpoint: &Endpoint) -> Result<Uri, ConnectError> {
    let url = endpoint.url();
    let wrong = |reason: String| ConnectError::Url { url: endpoint.to_string(), reason };
    let uri: Uri = with_lower_scheme(url)
        .parse()
        .map_err(|error: awc::http::uri::InvalidUri| wrong(error.to_string()))?;
    match uri.scheme_str() {
        Some("ws") => {}
        Some("wss") if cfg!(feature = "rustls") => {}
        Some("wss") => {
            let reason = "this build has no TLS; enable the feature `rustls` of `distributed-scope`";
            return Err(wrong(reason.to_owned()));
        }
        Some(other) => return Err(wrong(format!("its scheme is `{other}`"))),
        None => return Err(wrong("it has no scheme".to_owned())),
    }
    if uri.host().is_none_or(str::is_empty) {
        return Err(wrong("it has no host".to_owned()));
    }
    if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) {
        let reason = "it has a password in it, and URLs end up in logs; show a token with `Endpoint::new(url).bearer(token)`";
        return Err(wrong(reason.to_owned()));
    }
    // `http` parses an out-of-range port as no port, and another port would be dialled.
    let after_host = uri.authority().and_then(|authority| authority.as_str().strip_prefix(authority.host()));
    if uri.port_u16().is_none() && after_host.is_some_and(|rest| rest.starts_with(':')) {
        return Err(wrong("its port is no number from 0 to 65535".to_owned()));
    }
    Ok(uri)
}

/// Schemes are case-insensitive, but `http` and awc know `ws` and `wss` only in lower case.
fn with_lower_scheme(url: &str) -> Cow<'_, str> {
    match url.split_once("://") {
        Some((scheme, rest)) if scheme.bytes().any(|byte| byte.is_ascii_uppercase()) => {
            format!("{}://{rest}", scheme.to_ascii_lowercase()).into()
        }
        _ => url.into(),
    }
}
