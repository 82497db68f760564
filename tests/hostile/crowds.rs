//! Attackers that come in crowds, or call without pause.

use distributed_scope::{ErrorKind, Limits, PeerId, Refusal, RemoteError, distributed, remote};

use crate::frames::{Session, us};
use crate::raw::upgrade;
use crate::support::{Listening, open};

#[distributed]
async fn double(on: PeerId, n: u64) -> Result<u64, RemoteError> {
    remote!(on, [n], { n * 2 }).await
}

#[actix_web::test]
async fn one_address_has_so_many_sessions_and_connections_begin_only_so_fast() {
    let limits = Limits { sessions_per_address: 3, ..Limits::default() };
    let server = Listening::start(open().limits(limits));
    let address = server.address.clone();
    actix_web::rt::task::spawn_blocking(move || {
        let mut sessions: Vec<_> = (0..3).map(|_| Session::open(&address, &us(PeerId::random()))).collect();
        let status = || upgrade(&address, "distributed-scope.v1", &[]).status;
        assert_eq!(status(), 429, "one more");
        // A lost connection gives no place back while its session waits, and a session that is over does.
        drop(sessions.pop());
        assert_eq!(status(), 429);
        sessions.pop().unwrap().end();
        while status() != 101 {}
    })
    .await
    .unwrap();
    let limits = Limits { handshakes_per_second: 1, ..Limits::default() };
    let server = Listening::start(open().limits(limits));
    let address = server.address.clone();
    actix_web::rt::task::spawn_blocking(move || {
        let statuses: Vec<_> =
            (0..9).map(|_| upgrade(&address, "distributed-scope.v1", &[]).status).collect();
        assert_eq!(statuses[0], 101);
        assert!(statuses.contains(&429), "{statuses:?}");
    })
    .await
    .unwrap();
}

#[actix_web::test]
async fn a_session_that_calls_faster_than_it_may_is_refused_and_nothing_of_it_runs() {
    let limits = Limits { calls_per_second: 5, ..Limits::default() };
    let server = Listening::start(open().limits(limits));
    let client = open().start();
    client.connect(server.url()).await.unwrap();
    let calls = (0..200).map(|n| client.run(double(server.peer.id(), n)));
    let refused = futures_util::future::join_all(calls).await.into_iter().filter_map(Result::err);
    let refused: Vec<_> = refused.collect();
    assert!(refused.len() > 100, "{}", refused.len());
    assert!(refused.iter().all(|error| *error.kind() == ErrorKind::Refused(Refusal::TooFast(5))));
}
