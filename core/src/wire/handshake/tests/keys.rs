//! Peer ids that are made of keys, in a handshake.

use super::*;
use crate::identity::key_pair::KeyPair;

fn keyed(key: &KeyPair) -> Us {
    Us::new(&key.clone().into(), &Limits::default(), 7)
}

#[test]
fn peers_with_keys_and_without_know_each_other_after_the_handshake() {
    let key = KeyPair::generate();
    they_know_each_other(&keyed(&key), &us("server"));
    they_know_each_other(&us("client"), &keyed(&key));
    they_know_each_other(&keyed(&key), &keyed(&KeyPair::generate()));
}

#[test]
fn a_signed_hello_is_worth_nothing_in_another_handshake() {
    let (key, server) = (KeyPair::generate(), us("server"));
    let (first, second) = (Invitation::new(), Invitation::new());
    let (hello, _) = answer(&keyed(&key), None, first.frame()).unwrap().unwrap();
    assert!(first.accept(&server, hello.clone()).unwrap().is_ok());
    assert_eq!(second.accept(&server, hello).unwrap().unwrap_err(), Reject::BadKey);
}

#[test]
fn a_welcome_is_worth_nothing_in_another_handshake() {
    let (client, server) = (us("client"), keyed(&KeyPair::generate()));
    let (introduced, guest) = shake(&client, &server, None);
    let welcome = guest.welcome(&server, ticket(), WINDOW);
    assert!(introduced.welcomed(&client, welcome.clone()).unwrap().is_ok());
    let (introduced, _) = shake(&client, &server, None);
    assert_eq!(introduced.welcomed(&client, welcome).unwrap().unwrap_err(), Reject::BadKey);
}

#[test]
fn the_id_of_a_key_cannot_be_claimed_without_the_key() {
    let (victim, mallory, server) = (KeyPair::generate(), KeyPair::generate(), us("server"));
    let (id, public) = (victim.peer_id(), victim.public());
    let forge = |change: &dyn Fn(&mut Hello)| {
        let invitation = Invitation::new();
        let (hello, _) = answer(&keyed(&mallory), None, invitation.frame()).unwrap().unwrap();
        invitation.accept(&server, forged(hello, change)).unwrap().map(|_| ())
    };
    assert_eq!(forge(&|_| {}), Ok(()));
    assert_eq!(forge(&|hello| hello.from.peer = id), Err(Reject::BadKey), "another key");
    assert_eq!(forge(&|hello| (hello.from.peer, hello.proof) = (id, None)), Err(Reject::BadKey), "no key");
    let with_key = |hello: &mut Hello| {
        hello.from.peer = id;
        hello.proof.as_mut().unwrap().key = public;
    };
    assert_eq!(forge(&with_key), Err(Reject::BadKey), "its key, and no signature of it");
    // What is signed cannot be changed either.
    assert_eq!(forge(&|hello| hello.from.message += 1), Err(Reject::BadKey));
    // And a key proves only its own id.
    assert_eq!(forge(&|hello| hello.from.peer = PeerId::named("x")), Err(Reject::BadKey));
}

#[test]
fn an_acceptor_cannot_claim_the_id_of_a_key_without_the_key() {
    let (victim, client) = (KeyPair::generate(), us("client"));
    let mallory = keyed(&KeyPair::generate());
    let (introduced, guest) = shake(&client, &mallory, None);
    let Frame::Welcome(mut welcome) = Frame::decode(guest.welcome(&mallory, ticket(), WINDOW)).unwrap()
    else {
        panic!("no welcome");
    };
    welcome.from.peer = victim.peer_id();
    for proof in [welcome.proof, None] {
        let forged = Frame::Welcome(Box::new(Welcome { proof, ..*welcome.clone() })).encode();
        assert_eq!(introduced.welcomed(&client, forged).unwrap().unwrap_err(), Reject::BadKey);
    }
}
