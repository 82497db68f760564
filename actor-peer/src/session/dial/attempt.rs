//! One attempt to connect at one address: TCP, perhaps TLS, and a request to upgrade, by awc.

use std::cell::RefCell;
use std::collections::HashSet;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use actix_codec::Framed;
use actix_http::ws::Codec;
use actix_rt::net::TcpStream;
use actix_service::ServiceExt;
use actix_tls::connect::{Connection as TcpConnection, Connector, Resolver};
use awc::BoxedSocket;
use awc::http::Uri;
use distributed_scope_core::frame::SUBPROTOCOL;
use distributed_scope_core::peer::ConnectError;

use super::answer::Answer;
use super::failure::failure;
use super::first_bytes::{FirstBytes, Overheard};
use crate::endpoint::Endpoint;
use crate::platform::Shared;
use crate::session::kill::SocketHandle;

/// A connection that was upgraded.
pub(in crate::session) struct Upgraded {
    pub(in crate::session) framed: Framed<BoxedSocket, Codec>,
    /// By this the connection can be ended when it is stuck.
    pub(in crate::session) socket: Option<SocketHandle>,
}

/// Asks for an upgrade at this address, which `accepted` is told when it has taken the connection.
///
/// awc leaves Nagle's algorithm on and has no setting for it, so a connector of ours turns it off; it also keeps a handle of the socket.
pub(super) async fn attempt(
    shared: &Shared,
    endpoint: &Endpoint,
    uri: &Uri,
    token: Option<String>,
    address: SocketAddr,
    accepted: Rc<RefCell<HashSet<SocketAddr>>>,
) -> Result<Upgraded, ConnectError> {
    // awc's own limits are for the case that nobody has one; whoever runs attempts has.
    let limit = shared.limits().handshake + Duration::from_secs(1);
    let socket = Rc::new(RefCell::new(None));
    let keep = Rc::clone(&socket);
    let heard = FirstBytes::default();
    let first = heard.clone();
    let tcp = Connector::new(Resolver::default()).service().map(
        move |connection: TcpConnection<Uri, TcpStream>| {
            accepted.borrow_mut().insert(address);
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
    let mut request = client.ws(uri.clone()).address(address).protocols([SUBPROTOCOL]);
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    let is_tls = uri.scheme_str() == Some("wss");
    let (_, framed) = request
        .connect()
        .await
        .map_err(|error| failure(endpoint.to_string(), is_tls, error, &answer, &heard))?;
    let socket = socket.take();
    Ok(Upgraded { framed, socket })
}
