//! One attempt to connect to one address: TCP, TLS if needed, and an upgrade request, by awc.

use std::cell::RefCell;
use std::collections::HashSet;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use actix_codec::Framed;
use actix_http::ws::Codec;
use actix_rt::net::TcpStream;
use actix_service::fn_service;
use actix_tls::connect::{ConnectError as TcpError, ConnectInfo, Connection as TcpConnection};
use awc::BoxedSocket;
use awc::http::Uri;
use distributed_scope_core::frame::SUBPROTOCOL;
use distributed_scope_core::peer::ConnectError;

use super::answer::Answer;
use super::failure::failure;
use super::first_bytes::{FirstBytes, Overheard};
use super::tcp;
use crate::connection::kill::SocketHandle;
use crate::endpoint::Endpoint;
use crate::platform::Shared;

/// A connection that was upgraded.
pub(in crate::connection) struct Upgraded {
    pub(in crate::connection) framed: Framed<BoxedSocket, Codec>,
    /// The handle that ends the connection if it is stuck.
    pub(in crate::connection) socket: Option<SocketHandle>,
}

/// The parameters of all attempts of one dial.
pub(super) struct Target<'t> {
    pub(super) shared: &'t Shared,
    pub(super) endpoint: &'t Endpoint,
    pub(super) uri: &'t Uri,
    pub(super) token: Option<String>,
    /// The path may lose large packets.
    pub(super) is_narrow: bool,
    /// The addresses that have accepted a connection.
    pub(super) accepted: Rc<RefCell<HashSet<SocketAddr>>>,
}

/// Requests an upgrade at this address.
///
/// awc leaves Nagle's algorithm on, and has no setting for it or for the packet size. Therefore a
/// connector of ours makes the connection; it also keeps a handle of the socket.
pub(super) async fn attempt(target: &Target<'_>, address: SocketAddr) -> Result<Upgraded, ConnectError> {
    let Target { shared, endpoint, uri, .. } = *target;
    // The timeouts of awc are only a fallback: the caller of the attempts enforces the limit.
    let limit = shared.limits().handshake_timeout + Duration::from_secs(1);
    let socket = Rc::new(RefCell::new(None));
    let heard = FirstBytes::default();
    let tcp = {
        let (accepted, keep, first) = (Rc::clone(&target.accepted), Rc::clone(&socket), heard.clone());
        let is_narrow = target.is_narrow;
        fn_service(move |info: ConnectInfo<Uri>| {
            let (accepted, keep, first) = (Rc::clone(&accepted), Rc::clone(&keep), first.clone());
            async move {
                let stream = tcp::connect(address, is_narrow).await.map_err(TcpError::Io)?;
                accepted.borrow_mut().insert(address);
                *keep.borrow_mut() = handle(&stream);
                Ok(TcpConnection::new(info.request().clone(), Overheard::new(stream, first)))
            }
        })
    };
    let connector = awc::Connector::new().connector(tcp).timeout(limit).handshake_timeout(limit);
    #[cfg(feature = "rustls")]
    let connector = match uri.scheme_str() {
        Some("wss") => connector.rustls_0_23(endpoint.tls_config()?),
        _ => connector,
    };
    let answer = Answer::default();
    let client = awc::Client::builder().connector(connector).wrap(answer.clone()).timeout(limit).finish();
    let mut request = client.ws(uri.clone()).address(address).protocols([SUBPROTOCOL]);
    if let Some(token) = &target.token {
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

/// Disables Nagle's algorithm, and keeps the handle that can end the connection.
fn handle(stream: &TcpStream) -> Option<SocketHandle> {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "cannot set TCP_NODELAY");
    }
    SocketHandle::of(stream)
        .inspect_err(|error| tracing::warn!(%error, "cannot keep a handle of a connection's socket"))
        .ok()
}
