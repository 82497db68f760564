//! Peers that behave correctly while attacks run.

use std::sync::Arc;

use distributed_scope::{Builder, Endpoint, PeerId, RemoteError, distributed, here, remote};
use tokio::sync::{Notify, mpsc};

use crate::scripts::Scripts;
use crate::support::{Listening, open};

/// What is attacked.
pub(crate) struct Target {
    pub(crate) address: String,
    pub(crate) server: PeerId,
    /// A client that has a call open in either direction.
    pub(crate) honest: PeerId,
}

struct Started(Notify);
struct LetGo(Notify);

/// Ends when it is let go.
#[distributed]
async fn held(on: PeerId, home: PeerId) -> Result<u64, RemoteError> {
    remote!(on, [home], {
        remote!(home, [], { here::data::<Started>()?.0.notify_one() }).await?;
        here::data::<LetGo>()?.0.notified().await;
        42
    })
    .without_timeout()
    .await
}

#[distributed]
async fn double(on: PeerId, n: u64) -> Result<u64, RemoteError> {
    remote!(on, [n], { n * 2 }).await
}

/// Plays scripts against a server while an honest client has a call open there. After each script
/// it checks that the client and a new client notice nothing. It compares the outcome with this
/// section of `README.md`.
pub(crate) async fn attack(section: &str, scripts: impl FnOnce(&Target, &mut Scripts) + Send + 'static) {
    attack_on(section, open(), Endpoint::new, scripts).await;
}

/// The same, against a server of this kind, to which honest clients connect in this way.
pub(crate) async fn attack_on(
    section: &str,
    server: Builder,
    connect: impl Fn(String) -> Endpoint,
    scripts: impl FnOnce(&Target, &mut Scripts) + Send + 'static,
) {
    let (started, let_go) = (Arc::new(Started(Notify::new())), Arc::new(LetGo(Notify::new())));
    let server = Listening::start(server.shared_data(Arc::clone(&let_go)));
    let honest = open().shared_data(Arc::clone(&started)).start();
    honest.connect(connect(server.url())).await.unwrap();
    let (on, me) = (server.peer.id(), honest.id());
    let call = actix_web::rt::spawn(honest.run(held(on, me)));
    started.0.notified().await;

    let target = Target { address: server.address.clone(), server: on, honest: me };
    let (others, mut looks) = mpsc::unbounded_channel();
    let played = actix_web::rt::task::spawn_blocking(move || {
        let mut played = Scripts::beside(others);
        scripts(&target, &mut played);
        played.over()
    });
    while let Some((script, looked)) = looks.recv().await {
        assert_eq!(
            honest.run(double(on, 21)).await.unwrap(),
            42,
            "the honest client, while somebody {script}"
        );
        let newcomer = open().start();
        newcomer.connect(connect(server.url())).await.unwrap_or_else(|error| panic!("{script}: {error:?}"));
        assert_eq!(newcomer.run(double(on, 21)).await.unwrap(), 42, "a newcomer, while somebody {script}");
        newcomer.stop().await;
        while server.peer.peers().contains(&newcomer.id()) {
            actix_web::rt::task::yield_now().await;
        }
        let _ = looked.send(());
    }
    let played = played.await.unwrap();

    let_go.0.notify_one();
    assert_eq!(call.await.unwrap().unwrap(), 42, "the call that was open");
    assert_eq!(honest.run(double(on, 21)).await.unwrap(), 42, "a new one");
    assert_eq!(server.peer.peers(), [me], "nobody else is there");
    played.are_those_of(section);
}
