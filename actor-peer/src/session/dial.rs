//! The client's end by awc, actix's own client.

use std::sync::Arc;

use actix_codec::Framed;
use actix_http::ws::Codec;
use actix_rt::net::TcpStream;
use actix_service::ServiceExt;
use actix_tls::connect::{Connection, Connector, Resolver};
use awc::BoxedSocket;
use awc::error::{SendRequestError, WsClientError};
use awc::http::Uri;
use distributed_scope_core::frame::SUBPROTOCOL;
use distributed_scope_core::{PeerId, Reject};
use futures_channel::oneshot;
use futures_util::StreamExt;

use super::actor::{Reader, SessionActor};
use super::frame_guard::{self, GuardedIo, guarded_framed};
use super::incoming::Incoming;
use super::link::Link;
use crate::peer::Shared;

/// Why [`Peer::connect`](crate::Peer::connect) did not connect.
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

/// Connects, and returns when the other peer is registered.
pub(crate) async fn dial(shared: Arc<Shared>, url: String) -> Result<PeerId, ConnectError> {
    let uri = parse(&url)?;
    let limit = shared.limits().handshake;
    let (opened, is_open) = oneshot::channel();
    let session = async {
        let framed = connect(&shared, &uri).await.map_err(|error| failure(&url, error))?;
        let (sink, stream) = framed.split();
        tracing::debug!(peer = %shared.id(), %url, "connected");
        let reader = Reader::new(Link::dial(Arc::clone(&shared)), Some(opened));
        let stream = stream.map(|item| item.map(Incoming::from).map_err(frame_guard::unwrap_oversize));
        SessionActor::start(reader, stream, sink);
        match is_open.await {
            Ok(Ok(peer)) => Ok(peer),
            Ok(Err(source)) => Err(ConnectError::Refused { url: url.clone(), source }),
            Err(oneshot::Canceled) => Err(ConnectError::Closed { url: url.clone() }),
        }
    };
    match tokio::time::timeout(limit, session).await {
        Ok(result) => result,
        Err(_) => Err(ConnectError::TimedOut { url }),
    }
}

fn parse(url: &str) -> Result<Uri, ConnectError> {
    let wrong = |reason: String| ConnectError::Url { url: url.to_owned(), reason };
    let uri: Uri = url.parse().map_err(|error: awc::http::uri::InvalidUri| wrong(error.to_string()))?;
    match uri.scheme_str() {
        Some("ws") => {}
        Some("wss") => return Err(wrong("this build has no TLS".to_owned())),
        Some(other) => return Err(wrong(format!("its scheme is `{other}`"))),
        None => return Err(wrong("it has no scheme".to_owned())),
    }
    match uri.host() {
        Some(host) if !host.is_empty() => Ok(uri),
        _ => Err(wrong("it has no host".to_owned())),
    }
}

/// awc leaves Nagle's algorithm on and has no setting for it, so a connector of ours turns it off.
async fn connect(shared: &Shared, uri: &Uri) -> Result<Framed<GuardedIo<BoxedSocket>, Codec>, WsClientError> {
    let tcp = Connector::new(Resolver::default()).service().map(|connection: Connection<Uri, TcpStream>| {
        if let Err(error) = connection.io_ref().set_nodelay(true) {
            tracing::debug!(%error, "cannot set TCP_NODELAY");
        }
        connection
    });
    let client = awc::Client::builder()
        .connector(awc::Connector::new().connector(tcp).timeout(shared.limits().handshake))
        .timeout(shared.limits().handshake)
        .finish();
    let request = client.ws(uri.clone()).protocols([SUBPROTOCOL]).max_frame_size(shared.limits().message);
    let (_, framed) = request.connect().await?;
    Ok(guarded_framed(framed, frame_guard::limit(shared.limits().message)))
}

fn failure(url: &str, error: WsClientError) -> ConnectError {
    let url = url.to_owned();
    let not_a_peer = |status: u16| ConnectError::NotAPeer { url: url.clone(), status };
    match error {
        WsClientError::InvalidResponseStatus(status) => not_a_peer(status.as_u16()),
        WsClientError::SendRequest(SendRequestError::Timeout) => ConnectError::TimedOut { url },
        // These two hold errors that cannot cross threads, so what they say is kept.
        WsClientError::SendRequest(SendRequestError::Connect(error)) => match error {
            awc::error::ConnectError::Io(error) => ConnectError::Unreachable { url, source: Box::new(error) },
            awc::error::ConnectError::Timeout => ConnectError::TimedOut { url },
            error => ConnectError::Unreachable { url, source: error.to_string().into() },
        },
        WsClientError::SendRequest(error) => {
            ConnectError::Unreachable { url, source: error.to_string().into() }
        }
        // The answer had a status that says "upgraded" and headers that do not.
        error => ConnectError::Unreachable { url, source: error.to_string().into() },
    }
}
