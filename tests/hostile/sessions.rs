//! Attackers that try to resume the session of another peer.

use distributed_scope::{KeyPair, PeerId};
use distributed_scope_core::frame::{Frame, Opened, SessionId, Token};
use distributed_scope_core::handshake::{Ticket, Us};

use crate::frames::{Session, answer_to, changed, hello_of, invoke, us};
use crate::honest::attack;
use crate::wire::{Said, Wire};

#[actix_web::test]
async fn a_session_goes_on_for_nobody_but_who_has_its_token() {
    attack("Whose session is it", |target, scripts| {
        let address = &target.address;
        let victim = us(PeerId::random());
        let mut session = Session::open(address, &victim);
        let stolen = session.ticket;
        let resume =
            |us: &Us, ticket: Ticket| answer_to(address, |invitation| hello_of(us, Some(ticket), invitation));
        let guessed = Ticket { token: Token::random(), ..stolen };
        scripts.refused("guesses the token", resume(&victim, guessed));
        scripts.refused("stole the token, and is another peer", resume(&us(PeerId::random()), stolen));
        scripts.refused("the same, and has a key", resume(&us(KeyPair::generate()), stolen));
        let guessed = Ticket { session: SessionId::random(), ..stolen };
        scripts.refused("stole the token, and guesses the session", resume(&victim, guessed));
        let (_wire, invitation) = Wire::connect(address);
        let overheard = hello_of(&victim, Some(stolen), invitation);
        scripts.refused(
            "says the proof of the token again that it overheard",
            answer_to(address, |_| overheard),
        );
        let more = answer_to(address, |invitation| {
            changed(hello_of(&victim, Some(stolen), invitation), |hello| {
                hello.resume.as_mut().unwrap().received += 1;
            })
        });
        scripts.refused("changes how much was received", more);
        // The session is still there, and its own.
        session.wire.send(&Frame::Invoke(invoke(0, "who_is_there#0")));
        assert!(matches!(session.wire.next().frame(), Frame::Reply(_)));
        session.end();
        // What is over stays over: an old token opens a new session, as none does.
        let (mut wire, invitation) = Wire::connect(address);
        wire.send_as(2, &hello_of(&victim, Some(stolen), invitation));
        let Frame::Welcome(welcome) = wire.next().frame() else { panic!("no welcome") };
        assert!(matches!(welcome.opened, Opened::New { session, .. } if session != stolen.session));
        wire.send_as(8, &1000_u16.to_be_bytes());
        assert!(matches!(wire.next(), Said::Close(..)));
        scripts
            .refused("has the token of a session that is over", "a new session, with nothing of the old one");
    })
    .await;
}
