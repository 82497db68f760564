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
use crate::gate::{self, Closed};
use crate::platform::Shared;
#[cfg(feature = "rustls")]
use crate::tls::ClientCertificate;

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
    Closed(#[from] Closed),
}

impl ResponseError for UpgradeError {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::Closed(Closed::NoPlace(_)) => StatusCode::TOO_MANY_REQUESTS,
            Self::Closed(Closed::Denied(Denied::Unauthenticated(_))) => StatusCode::UNAUTHORIZED,
            Self::Closed(Closed::Denied(Denied::Unavailable(_))) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Closed(Closed::Denied(_)) => StatusCode::FORBIDDEN,
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
    shared.platform().gate().admit(request).await.map_err(|closed| {
        let (peer, from) = (shared.id(), request.peer_addr());
        match &closed {
            // Those come in crowds.
            Closed::NoPlace(reason) => tracing::debug!(%peer, ?from, %reason, "upgrade refused"),
            // The program's own words, which may repeat what it was told. As a text it is quoted, and stays one line.
            Closed::Denied(reason) => {
                tracing::warn!(%peer, ?from, reason = reason.to_string(), "upgrade refused");
            }
        }
        closed.into()
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
/// lets a peer cut a connection whose other side stopped reading, and keeps the certificate that a client showed.
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
    if let Some(stream) = connection.downcast_ref::<TcpStream>() {
        return keep(stream, data);
    }
    #[cfg(feature = "rustls")]
    if let Some(stream) = connection.downcast_ref::<actix_tls::accept::rustls_0_23::TlsStream<TcpStream>>() {
        let (socket, tls) = stream.get_ref();
        // The client's own comes first, and rustls has checked it.
        if let Some(own) = tls.peer_certificates().and_then(<[_]>::first) {
            data.insert(ClientCertificate::new(own));
        }
        return keep(socket, data);
    }
    tracing::debug!("a connection is neither plain TCP nor TLS by rustls: its socket is left as it is");
}

fn keep(stream: &TcpStream, data: &mut Extensions) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "cannot set TCP_NODELAY");
    }
    match SocketHandle::of(stream) {
        Ok(socket) => drop(data.insert(socket)),
        Err(error) => tracing::warn!(%error, "cannot keep a handle of a connection's socket"),
    }
}

#[cfg(all(test, feature = "rustls"))]
mod tests {
    use actix_web::{App, HttpServer, web};

    use super::*;
    use crate::tls::{self, Certificate, Clients, Roots};

    /// What a route sees of its connection's socket.
    async fn seen(request: HttpRequest) -> String {
        let socket = request.conn_data::<SocketHandle>().and_then(|socket| socket.weak().upgrade());
        format!("{:?}", socket.map(|socket| socket.tcp_nodelay().ok()))
    }

    #[actix_web::test]
    async fn the_socket_beneath_tls_is_kept_and_sends_at_once() {
        let rcgen::CertifiedKey { cert, signing_key } =
            rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let (chain, key) = (cert.pem(), signing_key.serialize_pem());
        let certificate = Certificate::from_pem(chain.as_bytes(), key.as_bytes()).unwrap();
        let server = HttpServer::new(|| App::new().route("/", web::get().to(seen)))
            .on_connect(on_connect)
            .workers(1)
            .disable_signals()
            .bind_rustls_0_23("127.0.0.1:0", tls::server(certificate, Clients::Any).unwrap())
            .unwrap();
        let url = format!("https://localhost:{}/", server.addrs()[0].port());
        let server = server.run();
        let handle = server.handle();
        actix_web::rt::spawn(server);
        let config = tls::client(Roots::from_pem(chain.as_bytes()).unwrap(), None).unwrap();
        let connector = awc::Connector::new().rustls_0_23(Arc::new(config));
        let client = awc::Client::builder().connector(connector).finish();
        let body = client.get(url).send().await.unwrap().body().await.unwrap();
        assert_eq!(body, "Some(Some(true))");
        handle.stop(false).await;
    }
}
