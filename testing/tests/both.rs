//! The same tests on the testing kit and over sockets.

#![allow(clippy::unwrap_used, reason = "in a test, to panic is to fail")]

use std::future::Future;

use demo_seed::seed::demo;
use distributed_scope::{ErrorKind, PeerId, Ran, Receiver, RemoteError, channel, distributed, remote};

/// What a test needs of a peer, of either kind.
trait Runs {
    fn id(&self) -> PeerId;
    fn run<F: Future>(&self, future: F) -> impl Future<Output = F::Output>;
}

impl Runs for distributed_scope::testing::Peer {
    fn id(&self) -> PeerId {
        self.id()
    }

    fn run<F: Future>(&self, future: F) -> impl Future<Output = F::Output> {
        self.run(future)
    }
}

impl Runs for distributed_scope::Peer {
    fn id(&self) -> PeerId {
        self.id()
    }

    fn run<F: Future>(&self, future: F) -> impl Future<Output = F::Output> {
        self.run(future)
    }
}

#[distributed]
async fn fail(server: PeerId, reason: String) -> Result<(), RemoteError> {
    remote!(server, [reason], {
        if !reason.is_empty() {
            return Err(std::io::Error::other(reason).into());
        }
    })
    .await
}

#[distributed]
async fn wait(server: PeerId) -> Result<(), RemoteError> {
    remote!(server, [], { std::future::pending::<()>().await })
        .timeout(std::time::Duration::from_millis(200))
        .await
}

#[distributed]
async fn echo(server: PeerId, items: Receiver<u32>) -> Result<Receiver<u32>, RemoteError> {
    remote!(server, [mut items], {
        let (sender, receiver) = channel::<u32>(4);
        tokio::task::spawn_local(async move {
            while let Ok(Some(item)) = items.recv().await {
                if sender.send(item * 2).await.is_err() {
                    return;
                }
            }
            sender.finish();
        });
        receiver
    })
    .await
}

async fn function_gives_its_value(server: &impl Runs, client: &impl Runs) {
    assert_eq!(client.run(demo(server.id(), client.id())).await.unwrap(), (vec![42; 43], 44));
}

async fn errors_are_typed(server: &impl Runs, client: &impl Runs) {
    client.run(fail(server.id(), String::new())).await.unwrap();
    let raised = client.run(fail(server.id(), "no tea".to_owned())).await.unwrap_err();
    assert_eq!((raised.kind(), raised.ran()), (&ErrorKind::Raised, Ran::Yes));
    assert_eq!(raised.raised_text().as_deref(), Some("no tea"));
    let late = client.run(wait(server.id())).await.unwrap_err();
    assert_eq!(*late.kind(), ErrorKind::DeadlineExceeded);
}

async fn channels_go_both_ways(server: &impl Runs, client: &impl Runs) {
    let (sender, receiver) = channel::<u32>(2);
    let mut doubled = client.run(echo(server.id(), receiver)).await.unwrap();
    let sends = async {
        for item in 0..20 {
            sender.send(item).await.unwrap();
        }
        sender.finish();
    };
    let receives = async {
        for item in 0..20 {
            assert_eq!(doubled.recv().await.unwrap(), Some(2 * item));
        }
        assert_eq!(doubled.recv().await.unwrap(), None);
    };
    tokio::join!(sends, receives);
}

macro_rules! on_both {
    ($($name:ident),* $(,)?) => {
        mod in_memory {
            use distributed_scope::testing::Peer;

            $(
                #[distributed_scope::test(seeds = 20)]
                async fn $name(server: Peer, client: Peer) {
                    super::$name(&server, &client).await;
                }
            )*
        }

        mod over_sockets {
            use actix_web::{App, HttpServer};
            use distributed_scope::{Blocks, Peer, PeerId, on_connect};

            async fn connected() -> [Peer; 2] {
                let [server, client] =
                    [(); 2].map(|()| Peer::builder(PeerId::random()).expose(Blocks::all()).start());
                let service = server.clone();
                let http = HttpServer::new(move || App::new().service(service.service("/scope")))
                    .on_connect(on_connect)
                    .workers(1)
                    .disable_signals()
                    .bind(("127.0.0.1", 0))
                    .unwrap();
                let url = format!("ws://{}/scope", http.addrs()[0]);
                actix_web::rt::spawn(http.run());
                client.connect(url).await.unwrap();
                [server, client]
            }

            $(
                #[actix_web::test]
                async fn $name() {
                    let [server, client] = connected().await;
                    super::$name(&server, &client).await;
                }
            )*
        }
    };
}

on_both!(function_gives_its_value, errors_are_typed, channels_go_both_ways);
