//! What a block can access on the peer that runs it.

use std::time::Duration;

use distributed_scope::{ErrorKind, PeerId, RemoteError, distributed, here, remote};

use crate::support::{Listening, open, pair};

#[distributed]
async fn who(on: PeerId, then: PeerId) -> Result<[PeerId; 4], RemoteError> {
    remote!(on, [then], {
        let (peer, caller) = (here::peer(), here::caller());
        let [inner_peer, inner_caller] = remote!(then, [], { [here::peer(), here::caller()] }).await?;
        [peer, caller, inner_peer, inner_caller]
    })
    .await
}

#[actix_web::test]
async fn a_block_knows_its_peer_and_the_caller_of_this_hop() {
    let (server, client) = pair().await;
    let (s, c) = (server.peer.id(), client.id());
    assert_eq!(client.run(who(s, c)).await.unwrap(), [s, c, c, s]);
    assert_eq!(client.run(who(c, c)).await.unwrap(), [c, c, c, c]);
}

#[actix_web::test]
async fn the_context_is_there_again_after_an_await() {
    #[distributed]
    async fn later(on: PeerId) -> Result<(PeerId, PeerId), RemoteError> {
        remote!(on, [], {
            tokio::task::yield_now().await;
            (here::peer(), here::caller())
        })
        .await
    }
    let (server, client) = pair().await;
    let result = client.run(later(server.peer.id())).await.unwrap();
    assert_eq!(result, (server.peer.id(), client.id()));
}

#[distributed]
async fn greeting(on: PeerId) -> Result<String, RemoteError> {
    remote!(on, [], { here::data::<String>()?.as_ref().clone() }).await
}

#[actix_web::test]
async fn data_of_a_peer_is_found_by_its_type() {
    let server = Listening::start(open().data("hello".to_owned()).data(7u8));
    let client = open().start();
    client.connect(server.url()).await.unwrap();
    assert_eq!(client.run(greeting(server.peer.id())).await.unwrap(), "hello");
    let error = client.run(greeting(client.id())).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Raised);
    let text = format!("{error:#}");
    assert!(text.contains("alloc::string::String") && text.contains("Peer::builder(..).data(..)"), "{text}");
}

#[actix_web::test]
async fn a_nested_call_has_no_more_time_than_its_caller_has_left() {
    #[distributed]
    async fn left(server: PeerId, client: PeerId) -> Result<Option<Duration>, RemoteError> {
        remote!(server, [client], {
            remote!(client, [], { here::deadline() }).timeout(Duration::from_secs(3600)).await?
        })
        .timeout(Duration::from_secs(60))
        .await
    }
    let (server, client) = pair().await;
    let left = client.run(left(server.peer.id(), client.id())).await.unwrap().unwrap();
    assert!(left <= Duration::from_secs(60) && left > Duration::from_secs(1), "{left:?}");
}

#[actix_web::test]
async fn a_call_without_timeout_has_no_deadline() {
    #[distributed]
    async fn time_left(on: PeerId) -> Result<Option<Duration>, RemoteError> {
        remote!(on, [], { here::deadline() }).without_timeout().await
    }
    let (server, client) = pair().await;
    assert_eq!(client.run(time_left(server.peer.id())).await.unwrap(), None);
}

#[actix_web::test]
async fn a_call_outside_of_any_peer_is_an_error_when_the_process_has_several() {
    let (server, _client) = pair().await;
    let error = greeting(server.peer.id()).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::NoPeer);
    assert!(error.to_string().contains("peer.run(..)"), "{error}");
}
