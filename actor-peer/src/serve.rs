//! Serves an actix-web app with a peer in it, until the process is told to end.

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

/// How long blocks and requests that are under way may take after a termination signal, by
/// default.
const GRACE: Duration = Duration::from_secs(30);

/// How long actix-web waits for requests that are under way after all sessions are closed. A
/// connection that is kept alive counts, too.
const REQUESTS: u64 = 1;

impl Peer {
    /// Runs a server whose app has this peer's [service](Self::service), until the process is told
    /// to end (SIGTERM, SIGINT, Ctrl-C). Then the peer [drains](Self::drain) for at most 30 s
    /// while requests are still answered, its sessions are closed with the code 1001, and the
    /// server stops. Without anything under way that takes less than two seconds; a second signal
    /// ends it at once.
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
    /// When the server ends in an error by itself.
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

    /// The same, until `end` is over, with another time for what is under way then.
    ///
    /// # Errors
    ///
    /// When the server ends in an error by itself.
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
            // It goes on serving while the peer drains.
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

/// Ends when the process receives a termination signal. Where signals cannot be received, it never
/// ends.
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
            (Err(error), _) | (_, Err(error)) => tracing::error!(%error, "signals cannot be waited for"),
        }
    }
    #[cfg(not(unix))]
    match tokio::signal::ctrl_c().await {
        Ok(()) => return,
        Err(error) => tracing::error!(%error, "signals cannot be waited for"),
    }
    std::future::pending::<()>().await;
}
