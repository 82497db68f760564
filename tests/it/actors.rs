//! A peer and other actors in one program.

use actix::prelude::*;
use distributed_scope::{Call, Invoke, Peer, PeerId, RemoteError, distributed, remote};

use crate::support::pair;

#[distributed]
async fn squared(on: PeerId, n: u64) -> Call<u64> {
    remote!(on, [n], { n * n })
}

#[actix_web::test]
async fn a_call_can_be_sent_to_the_peer_as_an_actor_message() {
    let (server, client) = pair().await;
    let call = squared(server.peer.id(), 9).await;
    assert_eq!(client.addr().send(Invoke(call)).await.unwrap().unwrap(), 81);
}

/// An actor of the application that keeps the sum of what it computed elsewhere.
struct Summing {
    peer: Peer,
    on: PeerId,
    sum: u64,
}

impl Actor for Summing {
    type Context = Context<Self>;
}

#[derive(Message)]
#[rtype(result = "Result<u64, RemoteError>")]
struct Add(u64);

impl Handler<Add> for Summing {
    type Result = ResponseActFuture<Self, Result<u64, RemoteError>>;

    fn handle(&mut self, Add(n): Add, _: &mut Self::Context) -> Self::Result {
        let (peer, on) = (self.peer.clone(), self.on);
        let squared = async move { peer.run(squared(on, n).await).await };
        Box::pin(squared.into_actor(self).map(|square, actor, _| {
            actor.sum += square?;
            Ok(actor.sum)
        }))
    }
}

#[actix_web::test]
async fn an_actor_can_await_calls_in_its_own_handlers() {
    let (server, client) = pair().await;
    let actor = Summing { peer: client, on: server.peer.id(), sum: 0 }.start();
    assert_eq!(actor.send(Add(3)).await.unwrap().unwrap(), 9);
    assert_eq!(actor.send(Add(4)).await.unwrap().unwrap(), 25);
}
