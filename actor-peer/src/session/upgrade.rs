//! What both WebSocket back ends check before they upgrade a request.

use std::any::Any;
use std::sync::Arc;

use actix_web::dev::Extensions;
use actix_web::http::header;
use actix_web::rt::net::TcpStream;
use actix_web::{HttpRequest, HttpResponse, ResponseError, http::StatusCode};
use distributed_scope_core::Denied;
use distributed_scope_core::auth::Visitor;
use distributed_scope_core::frame::SUBPROTOCOL;

use super::kill::SocketHandle;
use crate::gate;
use crate::platform::Shared;

/// The peer whose service a request came to.
#[derive(Clone)]
pub(crate) struct Served(pub(crate) Arc<Shared>);

/// Why a request was not upgraded.
#[derive(Debug, thiserror::Error)]
pub(super) enum UpgradeError {
    #[error(
        "this is an endpoint of distributed-scope: connect to it by WebSocket, with `peer.connect(\"ws://..\")`"
    )]
    NotWebSocket,
    #[error("this endpoint speaks the WebSocket subprotocol {SUBPROTOCOL}, and the request does not name it")]
    Subprotocol,
    #[error(transparent)]
    Denied(#[from] Denied),
}

impl ResponseError for UpgradeError {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::Denied(Denied::Unauthenticated(_)) => StatusCode::UNAUTHORIZED,
            Self::Denied(Denied::Unavailable(_)) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Denied(_) => StatusCode::FORBIDDEN,
            Self::NotWebSocket | Self::Subprotocol => StatusCode::BAD_REQUEST,
        }
    }

    fn error_response(&self) -> HttpResponse {
        HttpResponse::build(self.status_code())
            .content_type("text/plain; charset=utf-8")
            .body(self.to_string())
    }
}

/// Whether this request wants to speak our protocol, and who sends it.
pub(super) async fn check(request: &HttpRequest, shared: &Shared) -> Result<Visitor, UpgradeError> {
    speaks_our_protocol(request)?;
    shared.platform().gate().admit(request).await.map_err(|denied| {
        tracing::warn!(peer = %shared.id(), from = ?request.peer_addr(), %denied, "upgrade refused");
        denied.into()
    })
}

fn speaks_our_protocol(request: &HttpRequest) -> Result<(), UpgradeError> {
    let headers = request.headers();
    let upgrade = headers.get(header::UPGRADE).and_then(|value| value.to_str().ok());
    if !upgrade.is_some_and(|value| value.to_ascii_lowercase().contains("websocket")) {
        return Err(UpgradeError::NotWebSocket);
    }
    let names_ours = gate::subprotocols(headers).any(|name| name == SUBPROTOCOL);
    if names_ours { Ok(()) } else { Err(UpgradeError::Subprotocol) }
}

/// The handle of a request's socket, if the server was given [`on_connect`].
pub(super) fn socket(request: &HttpRequest) -> Option<SocketHandle> {
    let socket = request.conn_data::<SocketHandle>().cloned();
    if socket.is_none() {
        tracing::warn!(
            "this HttpServer was built without `.on_connect(distributed_scope::on_connect)`: \
             answers may be late, and a peer that stops reading is noticed late"
        );
    }
    socket
}

/// For `HttpServer::on_connect`. Sets `TCP_NODELAY` on each connection, without which an answer can be some 40 ms late,
/// and lets a peer cut a connection whose other side stopped reading.
///
/// ```no_run
/// # use actix_web::{App, HttpServer};
/// # fn f() -> std::io::Result<()> {
/// let server = HttpServer::new(|| App::new())
///     .on_connect(distributed_scope_actor_peer::on_connect)
///     .bind(("127.0.0.1", 47291))?;
/// # Ok(()) }
/// ```
pub fn on_connect(connection: &dyn Any, data: &mut Extensions) {
    let Some(stream) = connection.downcast_ref::<TcpStream>() else {
        return tracing::debug!("a connection is no plain TCP stream: its socket is left as it is");
    };
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "cannot set TCP_NODELAY");
    }
    match SocketHandle::of(stream) {
        Ok(socket) => drop(data.insert(socket)),
        Err(error) => tracing::warn!(%error, "cannot keep a handle of a connection's socket"),
    }
}
