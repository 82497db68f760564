//! Serves an actix-web app with a peer until the process receives a termination signal.

use std::fmt;
use std::future::Future;
use std::io;
use std::time::Duration;

use actix_http::{Request, Response};
use actix_service::{IntoServiceFactory, Service, ServiceFactory};
use actix_web::body::MessageBody;
use actix_web::dev::AppConfig;
use actix_web::{Error, HttpServer};

use crate::peer::Peer;

/// The default grace period for running blocks and requests after a termination signal.
const GRACE: Duration = Duration::from_secs(30);

/// How long actix-web waits for requests in flight after all sessions are closed. An idle
/// keep-alive connection counts as one.
const REQUESTS: u64 = 1;

impl Peer {
    /// Runs a server whose app has this peer's [service](Self::service), until the process
    /// receives a termination signal (SIGTERM, SIGINT, Ctrl-C).
    ///
    /// Then the peer [drains](Self::drain) for at most 30 s, while requests are still answered.
    /// Its sessions are closed with the code 1001, and the server stops. If nothing is in flight,
    /// this takes less than two seconds. A second signal stops the server at once.
    ///
    /// ```no_run
    /// use actix_web::{App, HttpServer};
    /// use distributed_scope_actor_peer::{Peer, on_connect};
    /// use distributed_scope_core::{Blocks, PeerId};
    ///
    /// #[actix_web::main]
    /// async fn main() -> std::io::Result<()> {
    ///     let peer = Peer::builder(PeerId::named("server")).expose(Blocks::all()).start();
    ///     let served = peer.clone();
    ///     let server = HttpServer::new(move || App::new().service(served.service("/scope")))
    ///         .on_connect(on_connect)
    ///         .bind(("127.0.0.1", 47291))?;
    ///     peer.serve(server).await
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// If the server ends with an error of its own.
    ///
    /// # Cancellation
    ///
    /// Dropping the future leaves the server running, and signals are no longer handled.
    pub async fn serve<F, I, S, B>(&self, server: HttpServer<F, I, S, B>) -> io::Result<()>
    where
        F: Fn() -> I + Send + Clone + 'static,
        I: IntoServiceFactory<S, Request>,
        S: ServiceFactory<Request, Config = AppConfig> + 'static,
        S::Error: Into<Error> + 'static,
        S::InitError: fmt::Debug,
        S::Response: Into<Response<B>> + 'static,
        <S::Service as Service<Request>>::Future: 'static,
        S::Service: 'static,
        B: MessageBody + 'static,
    {
        self.serve_until(server, told_to_end(), GRACE).await
    }

    /// Like [`serve`](Self::serve), but runs until the future `end` completes, and with a given
    /// grace period instead of 30 s.
    ///
    /// # Errors
    ///
    /// If the server ends with an error of its own.
    pub async fn serve_until<F, I, S, B>(
        &self,
        server: HttpServer<F, I, S, B>,
        end: impl Future<Output = ()>,
        grace: Duration,
    ) -> io::Result<()>
    where
        F: Fn() -> I + Send + Clone + 'static,
        I: IntoServiceFactory<S, Request>,
        S: ServiceFactory<Request, Config = AppConfig> + 'static,
        S::Error: Into<Error> + 'static,
        S::InitError: fmt::Debug,
        S::Response: Into<Response<B>> + 'static,
        <S::Service as Service<Request>>::Future: 'static,
        S::Service: 'static,
        B: MessageBody + 'static,
    {
        let mut server = server.disable_signals().shutdown_timeout(REQUESTS).run();
        let handle = server.handle();
        tokio::select! {
            ended = &mut server => {
                self.stop().await;
                return ended;
            }
            () = end => {}
        }
        tracing::info!(peer = %self.id(), "shutdown requested; draining");
        let politely = async {
            self.drain(grace).await;
            handle.stop(true).await;
        };
        tokio::select! {
            // It continues to serve while the peer drains.
            ended = &mut server => return ended,
            () = politely => {}
            () = told_to_end() => {
                self.stop().await;
                handle.stop(false).await;
            }
        }
        server.await
    }
}

/// Completes when the process receives a termination signal. If signals cannot be received, it
/// never completes.
async fn told_to_end() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};

        match (signal(SignalKind::terminate()), signal(SignalKind::interrupt())) {
            (Ok(mut terminate), Ok(mut interrupt)) => {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                }
                return;
            }
            (Err(error), _) | (_, Err(error)) => tracing::error!(%error, "cannot wait for signals"),
        }
    }
    #[cfg(not(unix))]
    match tokio::signal::ctrl_c().await {
        Ok(()) => return,
        Err(error) => tracing::error!(%error, "cannot wait for signals"),
    }
    std::future::pending::<()>().await;
}
