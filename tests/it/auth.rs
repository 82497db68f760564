//! Who is let in, and what a block knows of its caller.

use distributed_scope::{Blocks, Denied, Peer, PeerId, Principal, Proof, Upgrade};

use crate::raw;
use crate::support::Listening;

/// A server that knows alice by her token, lets strangers in without one, and turns everybody else away.
fn server() -> Listening {
    let builder = Peer::builder(PeerId::random()).expose(Blocks::all());
    Listening::start(builder.authenticate(|upgrade: Upgrade| async move {
        match upgrade.bearer()?.as_deref() {
            None => Ok(None),
            Some("token-of-alice") => Ok(Some(Principal::new("alice", Proof::Token).claim("role", "editor"))),
            Some("token-of-mallory") => Err(Denied::forbidden("you were banned")),
            Some(_) => Err(Denied::unauthenticated("no such token")),
        }
    }))
}

/// The status with which an upgrade that names these subprotocols is answered, and the protocol or the text.
async fn upgrade(
    server: &Listening,
    protocols: &'static str,
    authorization: Option<&'static str>,
) -> (u16, String) {
    let address = server.address.clone();
    let attempt = actix_web::rt::task::spawn_blocking(move || {
        let headers = authorization.map(|value| ("Authorization", value));
        let answer = raw::upgrade(&address, protocols, headers.as_slice());
        let protocol = answer.header("Sec-WebSocket-Protocol").map(str::to_owned);
        (answer.status, protocol.unwrap_or_else(|| answer.body().to_owned()))
    });
    attempt.await.unwrap()
}

#[actix_web::test]
async fn a_client_is_let_in_or_turned_away_before_the_connection_is_a_session() {
    const OURS: &str = "distributed-scope.v1";
    let server = server();
    assert_eq!(upgrade(&server, OURS, None).await, (101, OURS.to_owned()));
    assert_eq!(upgrade(&server, OURS, Some("Bearer token-of-alice")).await, (101, OURS.to_owned()));
    let (status, text) = upgrade(&server, OURS, Some("Bearer token-of-mallory")).await;
    assert_eq!((status, text.as_str()), (403, "forbidden: you were banned"));
    let (status, text) = upgrade(&server, OURS, Some("Bearer stolen")).await;
    assert_eq!((status, text.as_str()), (401, "not authenticated: no such token"));
}

#[actix_web::test]
async fn a_browser_shows_its_token_among_the_subprotocols_and_it_is_not_answered() {
    let server = server();
    // "token-of-alice" and "stolen", in base64url.
    let (status, text) = upgrade(&server, "distributed-scope.v1, bearer.dG9rZW4tb2YtYWxpY2U", None).await;
    assert_eq!((status, text.as_str()), (101, "distributed-scope.v1"));
    assert_eq!(upgrade(&server, "distributed-scope.v1, bearer.c3RvbGVu", None).await.0, 401);
    assert_eq!(upgrade(&server, "distributed-scope.v1, bearer.???", None).await.0, 401);
    // Named without ours, it is no request to us.
    assert_eq!(upgrade(&server, "bearer.dG9rZW4tb2YtYWxpY2U", None).await.0, 400);
}
