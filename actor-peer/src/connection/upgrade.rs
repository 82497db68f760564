//! The checks of both WebSocket back ends before a request is upgraded.

use std::any::Any;
use std::sync::Arc;

use actix_web::dev::Extensions;
use actix_web::http::header;
use actix_web::rt::net::TcpStream;
use actix_web::{
    HttpRequest, HttpResponse, ResponseError,
    http::{StatusCode, Version},
};
use distributed_scope_core::Denied;
use distributed_scope_core::auth::{Holding, Visitor};
use distributed_scope_core::frame::{SUBPROTOCOL, protocol_version};
use distributed_scope_core::host::{Host as _, Keep};

use super::kill::SocketHandle;
use crate::clock;
use crate::gate::{self, Closed};
use crate::platform::Shared;
#[cfg(feature = "rustls")]
use crate::tls::ClientCertificate;

/// The peer whose service received a request. It does not end while it is served.
#[derive(Clone)]
pub(crate) struct Served(
    pub(crate) Arc<Shared>,
    #[expect(dead_code, reason = "it is kept to be dropped")] pub(crate) Keep,
);

/// Why a request was not upgraded.
#[derive(Debug, thiserror::Error)]
pub(super) enum UpgradeError {
    #[error(
        "this is an endpoint of distributed-scope: connect to it by WebSocket, with `peer.connect(\"ws://..\")`"
    )]
    NotWebSocket,
    #[error(
        "the WebSocket handshake arrived without its `Upgrade` header: configure the proxy to forward it (nginx: `proxy_http_version 1.1; proxy_set_header \
         Upgrade $http_upgrade; proxy_set_header Connection upgrade;`)"
    )]
    NotPassedOn,
    #[error(
        "the WebSocket handshake arrived over {0:?}, and needs HTTP/1.1: dial with a client that offers only `http/1.1` by ALPN"
    )]
    HttpVersion(Version),
    #[error(
        "this endpoint speaks the WebSocket subprotocol {SUBPROTOCOL}, and the request does not offer it"
    )]
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
            Self::HttpVersion(_) => StatusCode::HTTP_VERSION_NOT_SUPPORTED,
            Self::NotWebSocket | Self::NotPassedOn | Self::Subprotocol => StatusCode::BAD_REQUEST,
        }
    }

    fn error_response(&self) -> HttpResponse {
        HttpResponse::build(self.status_code())
            .content_type("text/plain; charset=utf-8")
            .body(self.to_string())
    }
}

/// The client that requests an upgrade.
pub(super) enum Arrival {
    /// A client that may open a session.
    Visitor(Visitor),
    /// A client of another protocol version, which is answered with our version.
    Outdated {
        /// The subprotocol that it offers.
        offered: String,
        /// The place of the connection, held until the connection ends.
        place: Holding,
    },
}

/// Checks that this request offers our protocol, and authenticates its sender.
pub(super) async fn check(request: &HttpRequest, shared: &Shared) -> Result<Arrival, UpgradeError> {
    let gate = shared.platform().gate();
    let offer = offer(request).inspect_err(|error| {
        if let UpgradeError::NotPassedOn = error {
            tracing::warn!(peer = %shared.id(), from = ?request.peer_addr(), reason = %error, "upgrade refused");
        }
    });
    let arrival = match offer? {
        Offer::Ours => gate.admit(request).await.map(Arrival::Visitor),
        // It gets no session, so it is not authenticated: an expired token, for example, must not
        // hide the version mismatch.
        Offer::Other(offered) => {
            gate.enter(&gate.upgrade(request)).map(|place| Arrival::Outdated { offered, place })
        }
    };
    arrival.map_err(|closed| {
        let (peer, from) = (shared.id(), gate.upgrade(request).client_addr());
        // These arrive in bursts, so the log is rate limited.
        let left_out = shared.lines().refused_upgrades.next(clock::now());
        match (&closed, left_out) {
            (_, None) => {}
            (Closed::NoPlace(reason), Some(left_out)) => {
                // Waiting sessions occupy places too, and are visible nowhere else to a user who
                // looks for the reason.
                let waiting = shared.sessions().iter().filter(|session| session.is_waiting).count();
                tracing::info!(%peer, ?from, %reason, waiting, left_out, "upgrade refused");
            }
            // The text of the program, which may repeat input of the client. As a string field it
            // is quoted and stays on one line.
            (Closed::Denied(reason), Some(left_out)) => {
                tracing::warn!(%peer, ?from, reason = reason.to_string(), left_out, "upgrade refused");
            }
        }
        closed.into()
    })
}

/// The subprotocol that a WebSocket request offers.
#[derive(Debug, PartialEq, Eq)]
enum Offer {
    Ours,
    /// Only other versions of our protocol, of which this is the first.
    Other(String),
}

fn offer(request: &HttpRequest) -> Result<Offer, UpgradeError> {
    let headers = request.headers();
    let mut upgrades = headers.get_all(header::UPGRADE).filter_map(|value| value.to_str().ok());
    let is_websocket =
        |value: &str| value.split(',').any(|name| name.trim().eq_ignore_ascii_case("websocket"));
    if !upgrades.any(is_websocket) {
        // A proxy removes hop-by-hop headers and keeps the others.
        let is_handshake = headers.contains_key(header::SEC_WEBSOCKET_KEY);
        return Err(match request.version() {
            _ if !is_handshake => UpgradeError::NotWebSocket,
            // HTTP/2 has no such header, so no proxy removed it.
            version if version > Version::HTTP_11 => UpgradeError::HttpVersion(version),
            _ => UpgradeError::NotPassedOn,
        });
    }
    if gate::subprotocols(headers).any(|name| name == SUBPROTOCOL) {
        return Ok(Offer::Ours);
    }
    // Only an exact version name is repeated in the answer.
    let is_version = |name: &&str| !name.contains(' ') && protocol_version(name).is_some();
    let other = gate::subprotocols(headers).find(is_version);
    other.map(|name| Offer::Other(name.to_owned())).ok_or(UpgradeError::Subprotocol)
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

/// The function for `HttpServer::on_connect`.
///
/// It sets `TCP_NODELAY` on each connection, without which an answer can be some 40 ms late. It
/// lets a peer cut a connection whose other side stopped reading. It keeps the client certificate
/// for [`Upgrade`](crate::Upgrade).
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
        return keep(stream, data, SocketHandle::of_plain_server);
    }
    #[cfg(feature = "rustls")]
    if let Some(stream) = connection.downcast_ref::<actix_tls::accept::rustls_0_23::TlsStream<TcpStream>>() {
        let (socket, tls) = stream.get_ref();
        // The client's own certificate comes first, and rustls has verified it.
        if let Some(own) = tls.peer_certificates().and_then(<[_]>::first) {
            data.insert(ClientCertificate::new(own));
        }
        return keep(socket, data, |socket| socket);
    }
    tracing::debug!("a connection is neither plain TCP nor TLS by rustls: its socket is not configured");
}

fn keep(stream: &TcpStream, data: &mut Extensions, change: impl FnOnce(SocketHandle) -> SocketHandle) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "cannot set TCP_NODELAY");
    }
    match SocketHandle::of(stream) {
        Ok(socket) => drop(data.insert(change(socket))),
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

#[cfg(test)]
mod offer_tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn offered(protocols: &str) -> Result<Offer, String> {
        let request = TestRequest::get().insert_header((header::UPGRADE, "WebSocket"));
        let request = request.insert_header((header::SEC_WEBSOCKET_PROTOCOL, protocols));
        offer(&request.to_http_request()).map_err(|error| error.to_string())
    }

    #[test]
    fn only_a_websocket_is_upgraded() {
        let is_upgraded = |upgrade: &str| {
            let request = TestRequest::get().insert_header((header::UPGRADE, upgrade));
            let request = request.insert_header((header::SEC_WEBSOCKET_PROTOCOL, SUBPROTOCOL));
            offer(&request.to_http_request()).is_ok()
        };
        for upgrade in ["websocket", "WebSocket", "h2c, websocket"] {
            assert!(is_upgraded(upgrade), "{upgrade}");
        }
        for upgrade in ["xwebsocketx", "websocket/13", "h2c", "web socket", ""] {
            assert!(!is_upgraded(upgrade), "{upgrade}");
        }
    }

    /// Our version is chosen wherever it is offered. Otherwise the first other version is
    /// repeated, but no text that only looks like a version.
    #[test]
    fn offers_of_other_versions_are_recognized() {
        assert_eq!(offered("distributed-scope.v2, distributed-scope.v1"), Ok(Offer::Ours));
        for protocols in ["distributed-scope.v2", "bearer.YWJj, distributed-scope.v2, distributed-scope.v3"] {
            assert_eq!(
                offered(protocols),
                Ok(Offer::Other("distributed-scope.v2".to_owned())),
                "{protocols}"
            );
        }
        for protocols in [
            "distributed-scope.v",
            "distributed-scope.v+2",
            "distributed-scope.v2 x",
            "distributed-scope.v65536",
            "chat",
            "",
        ] {
            assert!(offered(protocols).unwrap_err().contains(SUBPROTOCOL), "{protocols}");
        }
    }
}
