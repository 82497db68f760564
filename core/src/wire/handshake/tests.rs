//! Two peers that shake hands, and what stands between them.

use super::*;

#[cfg(feature = "keys")]
mod keys;

fn us(name: &str) -> Us {
    Us::new(&PeerId::named(name).into(), &Limits::default(), 7)
}

fn ticket() -> (SessionId, Token) {
    (SessionId::random(), Token::random())
}

/// What the dialler and the acceptor know of each other, when nothing stands between them.
fn shake(dialler: &Us, acceptor: &Us, ticket: Option<Ticket>) -> (Introduced, Guest) {
    let invitation = Invitation::new();
    let (hello, introduced) = answer(dialler, ticket, invitation.frame()).unwrap().unwrap();
    (introduced, invitation.accept(acceptor, hello).unwrap().unwrap())
}

/// Takes a hello apart, changes it and puts it together again.
fn forged(hello: Bytes, change: impl FnOnce(&mut Hello)) -> Bytes {
    let Frame::Hello(mut hello) = Frame::decode(hello).unwrap() else { panic!("no hello") };
    change(&mut hello);
    Frame::Hello(hello).encode()
}

const WINDOW: Duration = Duration::from_secs(1);

/// What two peers that fit together know of each other after the handshake.
fn they_know_each_other(client: &Us, server: &Us) {
    let (introduced, guest) = shake(client, server, None);
    assert_eq!(guest.introduction(), &client.introduction);
    let (session, token) = ticket();
    let welcome = introduced.welcomed(server, guest.welcome(server, (session, token), WINDOW));
    assert_eq!(welcome.unwrap().unwrap_err(), Reject::OwnId, "nobody is its own other side");
    let welcome = introduced.welcomed(client, guest.welcome(server, (session, token), WINDOW));
    let welcome = welcome.unwrap().unwrap();
    assert_eq!(welcome.from, server.introduction);
    assert_eq!(welcome.opened, Opened::New { session, token });
}

#[test]
fn two_peers_that_fit_together_know_each_other_after_the_handshake() {
    they_know_each_other(&us("client"), &us("server"));
}

#[test]
fn a_session_goes_on_with_who_has_its_token_and_the_token_does_not_travel() {
    let (client, server) = (us("client"), us("server"));
    let (session, token) = ticket();
    let mine = Ticket { session, token, received: 3, peer: server.peer() };
    let (introduced, guest) = shake(&client, &server, Some(mine));
    assert_eq!(guest.resumes(), Some((session, 3)));
    assert!(guest.has(&token) && !guest.has(&Token::random()));
    let bytes = guest.welcome_back(&server, &token, 5, WINDOW);
    assert!(!bytes.windows(32).any(|window| window == token.0));
    let welcome = introduced.welcomed(&client, bytes).unwrap().unwrap();
    assert!(matches!(welcome.opened, Opened::Resumed { received: 5, .. }));
}

#[test]
fn an_acceptor_without_the_token_cannot_go_on_with_a_session() {
    let (client, server) = (us("client"), us("server"));
    let (session, token) = ticket();
    let mine = Ticket { session, token, received: 3, peer: server.peer() };
    let (introduced, guest) = shake(&client, &server, Some(mine));
    let forged = guest.welcome_back(&server, &Token::random(), 0, WINDOW);
    assert_eq!(introduced.welcomed(&client, forged).unwrap().unwrap_err(), Reject::BadToken);
    // Nor can another peer that has it.
    let other = us("other");
    let forged = guest.welcome_back(&other, &token, 0, WINDOW);
    assert_eq!(introduced.welcomed(&client, forged).unwrap().unwrap_err(), Reject::BadToken);
    // Nor one that the dialler did not ask to.
    let (introduced, guest) = shake(&client, &server, None);
    let forged = guest.welcome_back(&server, &token, 0, WINDOW);
    assert_eq!(introduced.welcomed(&client, forged).unwrap().unwrap_err(), Reject::BadToken);
}

#[test]
fn the_proof_of_a_token_is_worth_nothing_in_another_handshake() {
    let server = us("server");
    let (session, token) = ticket();
    let mine = Ticket { session, token, received: 3, peer: server.peer() };
    let (first, second) = (Invitation::new(), Invitation::new());
    let (hello, _) = answer(&us("client"), Some(mine), first.frame()).unwrap().unwrap();
    assert!(first.accept(&server, hello.clone()).unwrap().unwrap().has(&token));
    assert!(!second.accept(&server, hello).unwrap().unwrap().has(&token));
}

#[test]
fn another_version_is_told_both_versions() {
    let invitation = Invitation::new();
    let (hello, _) = answer(&us("client"), None, invitation.frame()).unwrap().unwrap();
    let old = forged(hello, |hello| hello.from.version = VERSION + 7);
    let refused = invitation.accept(&us("server"), old).unwrap().unwrap_err();
    assert_eq!(refused, Reject::Version { ours: VERSION + 7, theirs: VERSION });
}

#[test]
fn a_dialler_that_is_invited_or_welcomed_in_another_version_says_which_is_whose() {
    let told = Reject::Version { ours: VERSION, theirs: VERSION + 7 };
    let challenge = Frame::Challenge(Challenge { version: VERSION + 7, nonce: [0; 32] }).encode();
    assert_eq!(answer(&us("client"), None, challenge).unwrap().unwrap_err(), told);
    let (introduced, guest) = shake(&us("client"), &us("server"), None);
    let mut new = us("server");
    new.introduction.version = VERSION + 7;
    let welcome = guest.welcome(&new, ticket(), Duration::ZERO);
    assert_eq!(introduced.welcomed(&us("client"), welcome).unwrap().unwrap_err(), told);
}

#[test]
fn a_peer_is_not_its_own_other_side() {
    let invitation = Invitation::new();
    let (hello, _) = answer(&us("a"), None, invitation.frame()).unwrap().unwrap();
    assert_eq!(invitation.accept(&us("a"), hello).unwrap().unwrap_err(), Reject::OwnId);
}

#[test]
fn a_frame_before_the_hello_is_a_violation() {
    let accept = |bytes| Invitation::new().accept(&us("a"), bytes);
    assert!(matches!(accept(Frame::Ack(0).encode()), Err(Violation::Unexpected(_))));
    assert!(matches!(accept(Bytes::from_static(b"GET / HTTP")), Err(Violation::Frame(_))));
    assert!(matches!(answer(&us("a"), None, Frame::Ack(0).encode()), Err(Violation::Unexpected(_))));
}

#[cfg(not(feature = "keys"))]
#[test]
fn who_cannot_check_keys_refuses_the_id_of_a_key_and_says_what_it_lacks() {
    let (client, server) = (us("client"), us("server"));
    let (introduced, guest) = shake(&client, &server, None);
    let Frame::Welcome(mut welcome) = Frame::decode(guest.welcome(&server, ticket(), WINDOW)).unwrap() else {
        panic!("no welcome");
    };
    welcome.from.peer = PeerId::of_hash([7; 16]);
    assert!(welcome.from.peer.is_of_key());
    welcome.proof = Some(KeyProof { key: [1; 32], signature: [2; 64] });
    let error = introduced.welcomed(&client, Frame::Welcome(welcome).encode()).unwrap().unwrap_err();
    assert_eq!(error, Reject::NoKeys);
    assert!(error.to_string().contains("feature `keys`"));
}

#[test]
fn session_end_proves_its_token() {
    let ((session, token), (other_session, other_token)) = (ticket(), ticket());
    for reason in ["", "maintenance"] {
        let Frame::End(said) = Frame::decode(end(session, &token, reason)).unwrap() else { panic!("no end") };
        assert_eq!(said.reason, reason);
        assert!(is_end_of(session, &token, &said));
        assert!(!is_end_of(other_session, &token, &said));
        assert!(!is_end_of(session, &other_token, &said));
        assert!(!is_end_of(session, &token, &SessionEnd { reason: "other".to_owned(), ..said }));
    }
}
