//! The client's end by awc, actix's own client.
//!
//! | module | idea |
//! |---|---|
//! | here | from a URL to a session |
//! | `answer` | what a server says that does not upgrade |
//! | `first_bytes` | what a server says that does not speak HTTP |
//! | `failure` | how an attempt failed, and what to do about it |

mod answer;
mod failure;
mod first_bytes;

use std::borrow::Cow;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use actix_codec::{Framed, FramedParts};
use actix_http::ws::Codec;
use actix_rt::net::TcpStream;
use actix_service::ServiceExt;
use actix_tls::connect::{Connection as TcpConnection, Connector, Resolver};
use awc::BoxedSocket;
use awc::http::Uri;
use distributed_scope_core::frame::{SUBPROTOCOL, VERSION};
use distributed_scope_core::peer::ConnectError;
use distributed_scope_core::session::MAX_FRAME;
use futures_channel::oneshot;

use self::answer::Answer;
use self::failure::failure;
use self::first_bytes::{FirstBytes, Overheard};
use super::conversation::Conversation;
use super::kill::SocketHandle;
use super::reader::{Connection, Reader};
use super::wire::Wire;
use super::{Link, task};
use crate::endpoint::Endpoint;
use crate::platform::Shared;

/// Connects, to go on with `old` if that is possible, and returns when the session is open.
pub(crate) async fn dial(
    shared: Arc<Shared>,
    endpoint: Endpoint,
    old: Option<Arc<Link>>,
) -> Result<Arc<Link>, ConnectError> {
    let uri = parse(&endpoint)?;
    let url = endpoint.to_string();
    let limit = shared.limits().handshake;
    let (opened, is_open) = oneshot::channel();
    let session = async {
        let token = endpoint.token(&uri).await?;
        let (framed, socket) = connect(&shared, &endpoint, &uri, token).await?;
        tracing::debug!(peer = %shared.id(), %url, "connected");
        let connection = Connection::dialled(Arc::clone(&shared), old, opened)
            .wanting(endpoint.wanted())
            .writes_after_reading();
        // What the other side said together with its answer is in the buffer.
        let FramedParts { io, read_buf, .. } = framed.into_parts();
        let wire = Wire::client(MAX_FRAME, read_buf);
        let reader = Reader::new(connection, socket);
        let other_version = reader.other_version();
        actix_rt::spawn(task::carry(io, Conversation::new(reader, wire)));
        match is_open.await {
            Ok(Ok(link)) => Ok(link),
            Ok(Err(reject)) => Err(ConnectError::refused(url.clone(), reject)),
            Err(oneshot::Canceled) => Err(match other_version.get() {
                Some(theirs) => ConnectError::Outdated { url: url.clone(), ours: VERSION, theirs },
                None => ConnectError::Closed { url: url.clone() },
            }),
        }
    };
    match tokio::time::timeout(limit, session).await {
        Ok(result) => result,
        Err(_) => Err(ConnectError::TimedOut { url }),
    }
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
    // `http` reads a port that does not fit as no port, and another one would be dialled.
    let after_host = uri.authority().and_then(|authority| authority.as_str().strip_prefix(authority.host()));
    if uri.port_u16().is_none() && after_host.is_some_and(|rest| rest.starts_with(':')) {
        return Err(wrong("its port is no number from 0 to 65535".to_owned()));
    }
    Ok(uri)
}

/// Schemes may be written in either case, and `http` and awc know `ws` and `wss` in one alone.
fn with_lower_scheme(url: &str) -> Cow<'_, str> {
    match url.split_once("://") {
        Some((scheme, rest)) if scheme.bytes().any(|byte| byte.is_ascii_uppercase()) => {
            format!("{}://{rest}", scheme.to_ascii_lowercase()).into()
        }
        _ => url.into(),
    }
}

/// awc leaves Nagle's algorithm on and has no setting for it, so a connector of ours turns it off; it also keeps a handle of
/// the socket, by which the connection can be ended when it is stuck.
pub(super) async fn connect(
    shared: &Shared,
    endpoint: &Endpoint,
    uri: &Uri,
    token: Option<String>,
) -> Result<(Framed<BoxedSocket, Codec>, Option<SocketHandle>), ConnectError> {
    let limit = shared.limits().handshake;
    let socket = Rc::new(RefCell::new(None));
    let keep = Rc::clone(&socket);
    let heard = FirstBytes::default();
    let first = heard.clone();
    let tcp = Connector::new(Resolver::default()).service().map(
        move |connection: TcpConnection<Uri, TcpStream>| {
            if let Err(error) = connection.io_ref().set_nodelay(true) {
                tracing::debug!(%error, "cannot set TCP_NODELAY");
            }
            match SocketHandle::of(connection.io_ref()) {
                Ok(socket) => drop(keep.replace(Some(socket))),
                Err(error) => tracing::warn!(%error, "cannot keep a handle of a connection's socket"),
            }
            let (stream, uri) = connection.into_parts();
            TcpConnection::new(uri, Overheard::new(stream, first.clone()))
        },
    );
    let connector = awc::Connector::new().connector(tcp).timeout(limit).handshake_timeout(limit);
    #[cfg(feature = "rustls")]
    let connector = match uri.scheme_str() {
        Some("wss") => connector.rustls_0_23(endpoint.tls_config()?),
        _ => connector,
    };
    let answer = Answer::default();
    let client = awc::Client::builder().connector(connector).wrap(answer.clone()).timeout(limit).finish();
    let mut request = client.ws(uri.clone()).protocols([SUBPROTOCOL]);
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    let is_tls = uri.scheme_str() == Some("wss");
    let (_, framed) = request
        .connect()
        .await
        .map_err(|error| failure(endpoint.to_string(), is_tls, error, &answer, &heard))?;
    let socket = socket.take();
    Ok((framed, socket))
}
