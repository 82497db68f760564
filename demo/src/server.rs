//! An ordinary actix-web app with a peer in it.

use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::{App, HttpServer, rt, web};
use anyhow::{Context, bail};
use distributed_scope::tls::rustls::ServerConfig;
use distributed_scope::{Blocks, CallReport, Peer, PeerId, on_connect};

use crate::hops::HopLog;
use crate::output;

/// How long open calls may continue when the server shuts down.
const GRACE: Duration = Duration::from_secs(30);

/// A peer that others can reach.
pub(crate) struct Server {
    /// Where it is reached.
    pub(crate) url: String,
    peer: Peer,
    handle: ServerHandle,
}

impl Server {
    /// Serves `peer` at `/scope`, next to the app's other route.
    pub(crate) fn start(peer: Peer, address: SocketAddr) -> anyhow::Result<Self> {
        Self::serve(peer, address, None)
    }

    /// The same over TLS, as `localhost`.
    pub(crate) fn start_secure(peer: Peer, address: SocketAddr, tls: ServerConfig) -> anyhow::Result<Self> {
        Self::serve(peer, address, Some(tls))
    }

    fn serve(peer: Peer, address: SocketAddr, tls: Option<ServerConfig>) -> anyhow::Result<Self> {
        let served = peer.clone();
        let server = HttpServer::new(move || {
            App::new().route("/health", web::get().to(async || "ok")).service(served.service("/scope"))
        })
        .on_connect(on_connect)
        // How long `stop` waits for a peer that does not close its end.
        .shutdown_timeout(1)
        // Signals are for the program as a whole; see `interrupt`.
        .disable_signals();
        let is_secure = tls.is_some();
        let server = match tls {
            Some(config) => server.bind_rustls_0_23(address, config),
            None => server.bind(address),
        };
        let server = server.with_context(|| format!("cannot listen on {address}"))?;
        let Some(address) = server.addrs().first().copied() else {
            bail!("listens nowhere");
        };
        let running = server.run();
        let handle = running.handle();
        rt::spawn(running);
        // A certificate is of a name.
        let url = match is_secure {
            true => format!("wss://localhost:{}/scope", address.port()),
            false => format!("ws://{address}/scope"),
        };
        Ok(Self { url, peer, handle })
    }

    pub(crate) fn peer(&self) -> &Peer {
        &self.peer
    }

    /// Closes the sessions, then the port.
    pub(crate) async fn stop(self) {
        self.peer.stop().await;
        self.handle.stop(true).await;
    }
}

/// The server peer of the demos: it runs their blocks for others, and logs the calls that it makes
/// itself.
pub(crate) fn peer() -> Peer {
    let log = HopLog::default();
    Peer::builder(PeerId::named("server"))
        .data(log.clone())
        .observe(move |call: &CallReport| log.record(call))
        .expose(Blocks::all())
        .start()
}

/// `demo server`: serves until the user ends the program.
pub(crate) async fn until(address: SocketAddr, interrupted: impl Future<Output = ()>) -> anyhow::Result<()> {
    let server = Server::start(peer(), address)?;
    // The first line is the URL and nothing else, for programs that wait for it.
    output::say(&server.url)?;
    interrupted.await;
    // Open calls are answered. New ones are refused, and no part of them runs.
    server.peer.drain(GRACE).await;
    server.stop().await;
    output::say("stopped")?;
    Ok(())
}
