//! A server on a real socket, and what the tests ask of it.

use actix_web::dev::ServerHandle;
use actix_web::{App, HttpServer};
use distributed_scope::tls::rustls::ServerConfig;
use distributed_scope::{Blocks, Builder, Peer, PeerId, RemoteError, distributed, here, on_connect, remote};

use crate::log;

/// A peer that listens, and stops when dropped.
pub(crate) struct Listening {
    pub(crate) peer: Peer,
    pub(crate) port: u16,
    scheme: &'static str,
    server: ServerHandle,
}

impl Listening {
    /// With TLS if there is a configuration for it.
    pub(crate) fn start(builder: Builder, tls: Option<ServerConfig>) -> Self {
        let peer = builder.start();
        let served = peer.clone();
        let server = HttpServer::new(move || App::new().service(served.service("/scope")))
            .on_connect(on_connect)
            .workers(1)
            .disable_signals();
        let (scheme, server) = match tls {
            Some(config) => ("wss", server.bind_rustls_0_23("127.0.0.1:0", config).unwrap()),
            None => ("ws", server.bind("127.0.0.1:0").unwrap()),
        };
        let port = server.addrs()[0].port();
        let server = server.run();
        let handle = server.handle();
        actix_web::rt::spawn(server);
        Self { peer, port, scheme, server: handle }
    }

    pub(crate) fn url(&self) -> String {
        format!("{}://localhost:{}/scope", self.scheme, self.port)
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        actix_web::rt::spawn(self.server.stop(false));
    }
}

/// A builder of a peer with an id that is unique in this process, and that runs all blocks.
pub(crate) fn open() -> Builder {
    log::start();
    Peer::builder(PeerId::random()).expose(Blocks::all())
}

/// The principal that the peer `on` sees for its caller.
#[distributed]
pub(crate) async fn who_am_i(on: PeerId) -> Result<Option<String>, RemoteError> {
    remote!(on, [], { here::principal().map(|principal| principal.subject().to_owned()) }).await
}

/// An error and its causes, as one text.
pub(crate) fn causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
