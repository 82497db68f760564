//! Calls that a peer refuses to run.

use distributed_scope::{
    Blocks, ErrorKind, Limits, Peer, PeerId, Ran, Refusal, RemoteError, distributed, here, remote,
};

use crate::support::{Listening, open};

#[distributed]
async fn one(on: PeerId) -> Result<u8, RemoteError> {
    remote!(on, [], { 1 }).await
}

#[distributed]
async fn two(on: PeerId) -> Result<u8, RemoteError> {
    remote!(on, [], { 2 }).await
}

async fn connected(blocks: Blocks) -> (Listening, Peer) {
    let server = Listening::start(Peer::builder(PeerId::random()).expose(blocks));
    let client = open().start();
    client.connect(server.url()).await.unwrap();
    (server, client)
}

fn is_not_exposed(result: Result<u8, RemoteError>) -> bool {
    let error = result.unwrap_err();
    assert_eq!(error.ran(), Ran::Never);
    assert!(error.to_string().contains(".expose(Blocks::all())"), "{error}");
    *error.kind() == ErrorKind::Refused(Refusal::NotExposed)
}

#[actix_web::test]
async fn a_peer_exposes_nothing_unless_it_is_told_to() {
    let (server, client) = connected(Blocks::none()).await;
    assert!(is_not_exposed(client.run(one(server.peer.id())).await));
    assert_eq!(server.peer.run(one(server.peer.id())).await.unwrap(), 1, "it runs its own blocks for itself");
}

#[actix_web::test]
async fn a_peer_may_expose_one_function_and_not_another() {
    let (server, client) = connected(Blocks::named(concat!(module_path!(), "::one"))).await;
    assert_eq!(client.run(one(server.peer.id())).await.unwrap(), 1);
    assert!(is_not_exposed(client.run(two(server.peer.id())).await));
}

#[actix_web::test]
async fn a_peer_may_expose_a_module() {
    let (server, client) = connected(Blocks::of(module_path!())).await;
    assert_eq!(client.run(two(server.peer.id())).await.unwrap(), 2);
    let (server, client) = connected(Blocks::of("elsewhere")).await;
    assert!(is_not_exposed(client.run(two(server.peer.id())).await));
}

#[actix_web::test]
async fn a_block_that_calls_on_to_whom_it_is_told_may_call_its_own_peer_but_in_nobodys_name() {
    #[distributed]
    async fn pass_on(on: PeerId, to: PeerId) -> Result<(PeerId, bool), RemoteError> {
        remote!(
            on,
            [to],
            #[block(name = "pass on")]
            {
                remote!(to, [], { (here::caller(), here::principal().is_some()) }).await?
            }
        )
        .await
    }
    let (server, client) = connected(Blocks::named("pass on")).await;
    let on = server.peer.id();
    assert_eq!(client.run(pass_on(on, on)).await.unwrap(), (on, false));
    assert_eq!(client.run(pass_on(on, client.id())).await.unwrap(), (on, false));
}

#[actix_web::test]
async fn a_chain_of_calls_without_end_is_stopped() {
    #[distributed]
    async fn ping(one: PeerId, two: PeerId) -> Result<(), RemoteError> {
        remote!(one, [one, two], { ping(two, one).await? }).await
    }
    let limits = Limits::default().with_max_hops(7);
    let server = Listening::start(open().limits(limits.clone()));
    let client = open().limits(limits).start();
    client.connect(server.url()).await.unwrap();
    let error = client.run(ping(server.peer.id(), client.id())).await.unwrap_err();
    let innermost = error.hops().last().unwrap();
    assert_eq!(*innermost.kind(), ErrorKind::Refused(Refusal::TooManyHops(7)));
    assert_eq!(error.hops().count(), 8);
}
