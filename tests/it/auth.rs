//! Which peers are admitted, and what a block knows of its caller.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use distributed_scope::{
    Attempt, Blocks, ConnectError, Denied, Disclosure, Endpoint, ErrorKind, KeyPair, Peer, PeerId, Principal,
    Proof, Ran, Refusal, Reject, RemoteError, Upgrade, distributed, here, remote,
};

use crate::raw;
use crate::support::{Listening, open};

/// A server that authenticates alice by her token, admits peers without a token, and rejects all
/// others.
fn server() -> Listening {
    let builder = Peer::builder(PeerId::random()).expose(Blocks::all());
    Listening::start(builder.authenticate(|upgrade: Upgrade| async move {
        match upgrade.bearer()?.as_deref() {
            None => Ok(None),
            Some("s3ntinel-of-alice") => Ok(Some(
                Principal::new("alice", Proof::Token).claim("role", "editor").claim("secret", "s3ntinel"),
            )),
            Some("s3ntinel-of-mallory") => Err(Denied::forbidden("you were banned")),
            Some(_) => Err(Denied::unauthenticated("no such token")),
        }
    }))
}

/// The status with which an upgrade that names these subprotocols is answered, and the protocol or
/// the text.
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
    assert_eq!(upgrade(&server, OURS, Some("Bearer s3ntinel-of-alice")).await, (101, OURS.to_owned()));
    let (status, text) = upgrade(&server, OURS, Some("Bearer s3ntinel-of-mallory")).await;
    assert_eq!((status, text.as_str()), (403, "forbidden: you were banned"));
    let (status, text) = upgrade(&server, OURS, Some("Bearer s3ntinel-stolen")).await;
    assert_eq!((status, text.as_str()), (401, "not authenticated: no such token"));
}

#[actix_web::test]
async fn a_browser_shows_its_token_among_the_subprotocols_and_it_is_not_answered() {
    let server = server();
    // "s3ntinel-of-alice" and "stolen", in base64url.
    let (status, text) = upgrade(&server, "distributed-scope.v1, bearer.czNudGluZWwtb2YtYWxpY2U", None).await;
    assert_eq!((status, text.as_str()), (101, "distributed-scope.v1"));
    assert_eq!(upgrade(&server, "distributed-scope.v1, bearer.c3RvbGVu", None).await.0, 401);
    assert_eq!(upgrade(&server, "distributed-scope.v1, bearer.???", None).await.0, 401);
    // Named without ours, it is no request to us.
    assert_eq!(upgrade(&server, "bearer.czNudGluZWwtb2YtYWxpY2U", None).await.0, 400);
}

#[distributed]
async fn who_calls(on: PeerId, then: PeerId) -> Result<[Option<String>; 2], RemoteError> {
    remote!(on, [then], {
        let name = || here::principal().map(|principal| principal.subject().to_owned());
        let caller = name();
        let nested =
            remote!(then, [], { here::principal().map(|principal| principal.subject().to_owned()) }).await?;
        [caller, nested]
    })
    .await
}

#[distributed(require = claim("role", "editor"))]
async fn edit(on: PeerId) -> Result<String, RemoteError> {
    remote!(on, [], { here::require_principal()?.subject().to_owned() }).await
}

#[distributed]
async fn shut_down(on: PeerId) -> Result<(), RemoteError> {
    remote!(
        on,
        [],
        #[block(require = claim("role", "admin"))]
        {
            panic!("this must never run")
        }
    )
    .await
}

async fn connected(server: &Listening, token: Option<&str>) -> Peer {
    let client = open().start();
    let endpoint = Endpoint::new(server.url());
    client.connect(token.map_or(endpoint.clone(), |token| endpoint.bearer(token))).await.unwrap();
    client
}

fn refusal(error: &RemoteError) -> &Refusal {
    assert_eq!(error.ran(), Ran::Never);
    let ErrorKind::Refused(refusal) = error.kind() else { panic!("{error}") };
    refusal
}

#[actix_web::test]
async fn a_block_knows_the_principal_of_its_own_hop() {
    let server = server();
    let (alice, stranger) =
        (connected(&server, Some("s3ntinel-of-alice")).await, connected(&server, None).await);
    let on = server.peer.id();
    assert_eq!(alice.run(who_calls(on, alice.id())).await.unwrap(), [Some("alice".to_owned()), None]);
    assert_eq!(stranger.run(who_calls(on, alice.id())).await.unwrap(), [None, None]);
    assert_eq!(alice.run(who_calls(alice.id(), on)).await.unwrap(), [None, Some("alice".to_owned())]);
}

#[actix_web::test]
async fn a_block_runs_only_for_a_caller_that_meets_its_requirement() {
    let server = server();
    let (alice, stranger) =
        (connected(&server, Some("s3ntinel-of-alice")).await, connected(&server, None).await);
    let on = server.peer.id();
    assert_eq!(alice.run(edit(on)).await.unwrap(), "alice");
    let error = stranger.run(edit(on)).await.unwrap_err();
    assert!(matches!(refusal(&error), Refusal::Unauthenticated(_)), "{error}");
    assert!(error.to_string().contains(".bearer(token)"), "{error}");
    let error = alice.run(shut_down(on)).await.unwrap_err();
    assert!(matches!(refusal(&error), Refusal::Forbidden(_)), "{error}");
    assert!(error.to_string().contains("role = admin"), "{error}");
}

#[actix_web::test]
async fn a_client_that_is_turned_away_is_told_what_to_do() {
    let server = server();
    let denials = [
        ("s3ntinel-stolen", 401, "not authenticated: no such token"),
        ("s3ntinel-of-mallory", 403, "forbidden: you were banned"),
    ];
    for (token, status, said) in denials {
        let error = open().start().connect(Endpoint::new(server.url()).bearer(token)).await.unwrap_err();
        let ConnectError::Denied { status: found, reason, .. } = &error else { panic!("{error}") };
        assert_eq!((*found, reason.as_str()), (status, said));
        assert!(error.to_string().contains(said), "{error}");
        assert!(!error.to_string().contains(token));
    }
    let url = server.url().replace("ws://", "ws://user:s3ntinel@");
    let error = open().start().connect(url).await.unwrap_err();
    assert!(error.to_string().contains("Endpoint::new(url).bearer(token)"), "{error}");
    assert!(!error.to_string().contains("user"), "{error}");
}

#[actix_web::test]
async fn an_authenticate_that_panics_lets_nobody_in_and_ends_nothing_else() {
    let builder = Peer::builder(PeerId::random()).expose(Blocks::all());
    let server = Listening::start(builder.authenticate(|upgrade: Upgrade| async move {
        assert!(upgrade.bearer()?.is_none(), "s3ntinel");
        Ok(None)
    }));
    let honest = connected(&server, None).await;
    for _ in 0..3 {
        let stranger = open().start();
        let error = stranger.connect(Endpoint::new(server.url()).bearer("any")).await.unwrap_err();
        assert!(matches!(error, ConnectError::Denied { status: 503, .. }), "{error:?}");
    }
    assert_eq!(server.peer.peers(), [honest.id()]);
    assert!(honest.run(who_calls(server.peer.id(), honest.id())).await.is_ok());
}

#[actix_web::test]
async fn a_peer_with_a_key_is_who_it_says_and_nobody_else_can_be() {
    let (server_key, client_key) = (KeyPair::generate(), KeyPair::generate());
    let builder = Peer::builder(server_key.clone()).expose(Blocks::all()).trust([client_key.peer_id()]);
    let server = Listening::start(builder);
    let client =
        Peer::builder(client_key.clone()).expose(Blocks::all()).trust([server_key.peer_id()]).start();
    client.connect(Endpoint::new(server.url()).peer(server_key.peer_id())).await.unwrap();
    let both = [Some(client_key.peer_id().to_string()), Some(server_key.peer_id().to_string())];
    assert_eq!(client.run(who_calls(server.peer.id(), client.id())).await.unwrap(), both);

    // Its id alone is worth nothing, whether it is there or not.
    for _ in 0..2 {
        let impostor = Peer::builder(client_key.peer_id()).start();
        let error = impostor.connect(server.url()).await.unwrap_err();
        assert!(matches!(error, ConnectError::Refused { source: Reject::BadKey, .. }), "{error}");
        client.stop().await;
    }
    // Nor is the server's.
    let false_server = Listening::start(Peer::builder(server_key.peer_id()));
    let error = open().start().connect(false_server.url()).await.unwrap_err();
    assert!(matches!(error, ConnectError::Refused { source: Reject::BadKey, .. }), "{error}");
    // A peer with an untrusted key has no principal.
    let stranger = Peer::builder(KeyPair::generate()).expose(Blocks::all()).start();
    stranger.connect(server.url()).await.unwrap();
    assert_eq!(stranger.run(who_calls(server.peer.id(), server.peer.id())).await.unwrap()[0], None);
}

#[actix_web::test]
async fn a_peer_that_is_not_the_one_that_was_wanted_is_left() {
    let server = Listening::start(open());
    let client = open().start();
    let error = client.connect(Endpoint::new(server.url()).peer(PeerId::random())).await.unwrap_err();
    assert!(matches!(error, ConnectError::Refused { source: Reject::WrongPeer, .. }), "{error}");
    assert_eq!(client.peers(), []);
}

/// A server that accepts any name in a token: `name`, or `name@peer` to be bound to a peer id.
fn gullible() -> Listening {
    Listening::start(open().authenticate(|upgrade: Upgrade| async move {
        Ok(upgrade.bearer()?.map(|token| match token.split_once('@') {
            Some((name, peer)) => Principal::new(name, Proof::Token).bound_to(peer.parse().unwrap()),
            None => Principal::new(token, Proof::Token),
        }))
    }))
}

#[actix_web::test]
async fn a_token_that_is_bound_to_a_peer_id_opens_no_session_under_another() {
    let server = gullible();
    let (client, other) = (open().start(), PeerId::random());
    let error =
        client.connect(Endpoint::new(server.url()).bearer(format!("alice@{other}"))).await.unwrap_err();
    assert!(matches!(error, ConnectError::Refused { source: Reject::NotYours, .. }), "{error}");
    let mine = format!("alice@{}", client.id());
    client.connect(Endpoint::new(server.url()).bearer(mine)).await.unwrap();
}

#[actix_web::test]
async fn a_session_that_waits_for_its_peer_gives_way_to_the_same_somebody_alone() {
    let server = gullible();
    let proxy = crate::proxy::Proxy::start(&server.address).await;
    let client = open().start();
    client.connect(Endpoint::new(proxy.url()).bearer("alice")).await.unwrap();
    proxy.refuse(true);
    proxy.cut_now();
    while server.peer.peers().contains(&client.id()) {
        tokio::task::yield_now().await;
    }
    let again = |token: Option<&'static str>| {
        let endpoint = Endpoint::new(server.url());
        let endpoint = token.map_or(endpoint.clone(), |token| endpoint.bearer(token));
        let peer = Peer::builder(client.id()).start();
        async move { peer.connect(endpoint).await.map(drop) }
    };
    for token in [None, Some("mallory")] {
        let error = again(token).await.unwrap_err();
        assert!(matches!(error, ConnectError::Refused { source: Reject::IdInUse { .. }, .. }), "{error}");
    }
    again(Some("alice")).await.unwrap();
}

#[actix_web::test]
async fn a_connection_ends_with_its_token_and_the_session_goes_on_with_a_fresh_one() {
    static SHOWN: AtomicU64 = AtomicU64::new(0);
    #[distributed]
    async fn wait_for_another_connection(on: PeerId) -> Result<u64, RemoteError> {
        remote!(on, [], {
            let before = SHOWN.load(Ordering::SeqCst);
            while SHOWN.load(Ordering::SeqCst) == before {
                tokio::task::yield_now().await;
            }
            SHOWN.load(Ordering::SeqCst)
        })
        .without_timeout()
        .await
    }
    // Each token is good for a moment.
    let server = Listening::start(open().authenticate(|upgrade: Upgrade| async move {
        let token = upgrade.bearer()?.ok_or(Denied::unauthenticated("no token"))?;
        SHOWN.store(token.parse().unwrap(), Ordering::SeqCst);
        let until = SystemTime::now() + Duration::from_millis(300);
        Ok(Some(Principal::new("alice", Proof::Token).expires_at(until)))
    }));
    let client = open().start();
    let issued = AtomicU64::new(1);
    let fresh =
        move || std::future::ready(Ok::<_, RemoteError>(issued.fetch_add(1, Ordering::SeqCst).to_string()));
    client.connect(Endpoint::new(server.url()).bearer_from(fresh)).await.unwrap();
    // The call outlives the token that it was made under.
    assert!(client.run(wait_for_another_connection(server.peer.id())).await.unwrap() >= 2);
}

#[actix_web::test]
async fn what_has_expired_before_it_is_shown_lets_nobody_in() {
    let server = Listening::start(open().authenticate(|_: Upgrade| async {
        Ok(Some(Principal::new("alice", Proof::Token).expires_at(SystemTime::UNIX_EPOCH)))
    }));
    let error = open().start().connect(server.url()).await.unwrap_err();
    assert!(matches!(error, ConnectError::Denied { status: 401, .. }), "{error}");
}

#[distributed]
async fn fail(on: PeerId, with: String) -> Result<(), RemoteError> {
    remote!(on, [with], {
        if with == "panic" {
            panic!("s3ntinel: the text of a panic");
        }
        with.parse::<u8>().map(drop).map_err(|error| format!("it is {with}, s3ntinel: {error}"))?
    })
    .await
}

#[actix_web::test]
async fn what_authorize_refuses_does_not_run_and_it_may_wait_and_may_panic() {
    static ASKED: AtomicU64 = AtomicU64::new(0);
    let server = Listening::start(open().authorize(|attempt: Attempt| async move {
        ASKED.fetch_add(1, Ordering::SeqCst);
        assert!(attempt.principal.is_none());
        tokio::task::yield_now().await;
        match attempt.block.path.rsplit("::").next() {
            Some("who_calls#0") => Ok(()),
            Some("fail#0") => panic!("s3ntinel: it cannot make up its mind"),
            _ => Err(Denied::forbidden("not on a Sunday")),
        }
    }));
    let client = open().start();
    client.connect(server.url()).await.unwrap();
    let on = server.peer.id();
    assert_eq!(client.run(who_calls(on, client.id())).await.unwrap(), [None, None]);
    let error = client.run(shut_down(on)).await.unwrap_err();
    assert!(
        matches!(refusal(&error), Refusal::Unauthenticated(_)),
        "the block's own requirement is first: {error}"
    );
    assert_eq!(ASKED.load(Ordering::SeqCst), 1);
    let error = client.run(fail(on, "panic".to_owned())).await.unwrap_err();
    assert!(matches!(refusal(&error), Refusal::Forbidden(_)), "{error}");
    let error = client.run(sunday(on)).await.unwrap_err();
    assert_eq!(*refusal(&error), Refusal::Forbidden("not on a Sunday".to_owned()));
    assert_eq!(server.peer.run(sunday(on)).await.unwrap(), 7, "a peer runs its own blocks for itself");
}

#[distributed]
async fn sunday(on: PeerId) -> Result<u8, RemoteError> {
    remote!(on, [], { 7 }).await
}

#[actix_web::test]
async fn a_caller_is_told_of_errors_and_panics_as_much_as_its_peer_says() {
    let told = async |disclosure| {
        let server = Listening::start(open().disclose(disclosure));
        let client = open().start();
        client.connect(server.url()).await.unwrap();
        let tell = async |with: &str| {
            let error = client.run(fail(server.peer.id(), with.to_owned())).await.unwrap_err();
            assert_eq!(error.ran(), Ran::Yes);
            let text = format!("{error:#}");
            [text.contains("it is "), text.contains("the text of a panic")]
        };
        [tell("x").await[0], tell("panic").await[1]]
    };
    assert_eq!(told(Disclosure::Code).await, [false, false]);
    assert_eq!(told(Disclosure::Message).await, [true, false]);
    assert_eq!(told(Disclosure::Chain).await, [true, false]);
    assert_eq!(told(Disclosure::Panics).await, [true, true]);
}

#[actix_web::test]
async fn a_refusal_for_want_of_exposure_names_the_line_to_add() {
    let server = Listening::start(Peer::builder(PeerId::random()));
    let client = open().start();
    client.connect(server.url()).await.unwrap();
    let text = client.run(sunday(server.peer.id())).await.unwrap_err().to_string();
    assert!(text.contains(concat!(".expose(Blocks::named(\"", module_path!(), "::sunday#0\"))")), "{text}");
}
