//! Callers that make code of the program panic wherever the library calls it.

use std::error::Error;
use std::fmt;
use std::panic::panic_any;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use distributed_scope::{
    Attempt, CallReport, Codec, ConnectError, Endpoint, PeerId, RemoteError, Upgrade, distributed, here,
    remote,
};
use distributed_scope_core::frame::{Frame, Invoke};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use tokio::sync::Notify;

use crate::frames::{Session, invoke, us};
use crate::honest::attack_on;
use crate::raw::upgrade;
use crate::support::{Listening, open, pair};

/// The payload of a panic. Dropping it panics, too, with another one like it.
struct Payload(u8);

impl Drop for Payload {
    fn drop(&mut self) {
        if self.0 > 0 {
            panic_any(Self(self.0 - 1));
        }
    }
}

/// An error whose code panics in one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Bad {
    DisplayPanics,
    DisplayFails,
    SourcePanics,
    SourceHasNoEnd,
    DropPanics,
}

#[derive(Debug)]
struct BadError(Bad);

impl fmt::Display for BadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Bad::DisplayPanics => panic_any(Payload(3)),
            Bad::DisplayFails => Err(fmt::Error),
            _ => f.write_str("its text"),
        }
    }
}

impl std::error::Error for BadError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self.0 {
            Bad::SourcePanics => panic_any(Payload(3)),
            Bad::SourceHasNoEnd => Some(self),
            _ => None,
        }
    }
}

impl Drop for BadError {
    fn drop(&mut self) {
        if self.0 == Bad::DropPanics {
            panic_any(Payload(3));
        }
    }
}

/// A value that panics when it is encoded, if it is this one.
#[derive(Clone, Copy, Debug, Deserialize)]
struct Unwritable(u8);

/// A value that panics when it is decoded, if it is this one.
#[derive(Clone, Copy, Debug, Serialize)]
struct Unreadable(u8);

const TOUCHY: u8 = 77;

impl Serialize for Unwritable {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0 == TOUCHY {
            panic_any(Payload(3))
        } else {
            serializer.serialize_newtype_struct("Unwritable", &self.0)
        }
    }
}

impl<'de> Deserialize<'de> for Unreadable {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(rename = "Unreadable")]
        struct Plain(u8);
        match Plain::deserialize(deserializer)?.0 {
            TOUCHY => panic_any(Payload(3)),
            other => Ok(Self(other)),
        }
    }
}

#[distributed]
async fn raises(on: PeerId, bad: Bad) -> Result<u8, RemoteError> {
    remote!(on, [bad], { Err::<u8, _>(BadError(bad))? }).await
}

#[distributed]
async fn throws(on: PeerId) -> Result<u8, RemoteError> {
    remote!(on, [], { if true { panic_any(Payload(3)) } else { 1_u8 } }).await
}

#[expect(dead_code, reason = "called by hand")]
#[distributed]
async fn read(on: PeerId, value: Unreadable) -> Result<u8, RemoteError> {
    remote!(on, [value], { value.0 }).await
}

#[expect(dead_code, reason = "called by hand")]
#[distributed]
async fn write(on: PeerId) -> Result<Unwritable, RemoteError> {
    remote!(on, [], { Unwritable(TOUCHY) }).await
}

#[distributed]
async fn one(on: PeerId) -> Result<u8, RemoteError> {
    remote!(on, [], { 1 }).await
}

/// Its block waits for ever, and panics when it is dropped.
#[distributed]
async fn is_let_go(on: PeerId) -> Result<(), RemoteError> {
    remote!(on, [], {
        let trap = Trap(here::data::<Watched>()?);
        trap.0.begun.notify_one();
        std::future::pending::<()>().await;
        drop(trap);
    })
    .await
}

/// What is known of a block that waits.
#[derive(Default)]
struct Watched {
    begun: Notify,
    ended: Notify,
}

/// Panics when it is dropped.
struct Trap(Arc<Watched>);

impl Drop for Trap {
    fn drop(&mut self) {
        self.0.ended.notify_one();
        panic_any(Payload(3));
    }
}

/// Asks the program; its future panics when it is polled or dropped.
struct Asking<T>(Option<T>);

impl<T: Clone + Unpin> Future for Asking<T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<T> {
        match &self.0 {
            Some(answer) => Poll::Ready(answer.clone()),
            None => panic_any(Payload(3)),
        }
    }
}

impl<T> Drop for Asking<T> {
    fn drop(&mut self) {
        if self.0.is_some() {
            panic_any(Payload(3));
        }
    }
}

/// How the server answers this call: the code of the error, and its causes.
fn ending(session: &mut Session, invoke: Invoke) -> String {
    session.wire.send(&Frame::Invoke(invoke));
    match session.wire.next().frame() {
        Frame::Reply(reply) if reply.is_value => "its value".to_owned(),
        Frame::Reply(reply) => said(&Codec::Bincode.decode(&reply.payload).unwrap()),
        other => panic!("it answered {other:?}"),
    }
}

fn said(error: &RemoteError) -> String {
    let causes = std::iter::successors(error.source(), |error| Error::source(*error));
    let causes: Vec<_> = causes.take(2).map(ToString::to_string).collect();
    format!("`{}` {}", error.kind().code(), causes.join(": ")).trim().to_owned()
}

fn call(number: u64, path: &str, captures: &[u8]) -> Invoke {
    Invoke { captures: Bytes::copy_from_slice(captures), ..invoke(number, path) }
}

const ERRORS: [(&str, Bad); 5] = [
    ("has a block raise an error whose `Display` panics", Bad::DisplayPanics),
    ("an error whose `Display` fails", Bad::DisplayFails),
    ("an error whose `source` panics", Bad::SourcePanics),
    ("an error that is its own cause", Bad::SourceHasNoEnd),
    ("an error that panics when it is let go of", Bad::DropPanics),
];

#[actix_web::test]
async fn panics_of_blocks_end_their_calls() {
    attack_on("Panics of the program", open(), Endpoint::new, |target, scripts| {
        let mut session = Session::open(&target.address, &us(PeerId::random()));
        for ((script, bad), number) in ERRORS.into_iter().zip(0..) {
            let captures = Codec::Bincode.encode(0, &(bad,)).unwrap();
            scripts.refused(script, ending(&mut session, call(number, "raises#0", &captures)));
        }
        let mut play = |script, number, path, captures: &[u8]| {
            scripts.refused(script, ending(&mut session, call(number, path, captures)));
        };
        play("has a block panic with what panics when it is let go of", 10, "throws#0", &[]);
        play("sends what panics in its `Deserialize`", 11, "panics::read#0", &[TOUCHY]);
        play("asks for what panics in its `Serialize`", 12, "panics::write#0", &[]);
        play("makes a call like any other after all that", 13, "panics::one#0", &[]);
        session.end();
    })
    .await;
}

/// A peer's calls of its own blocks end like those of others.
#[actix_web::test]
async fn own_panics_end_own_calls() {
    let peer = open().start();
    for (script, bad) in ERRORS {
        let error = peer.run(raises(peer.id(), bad)).await.unwrap_err();
        assert_eq!(error.kind().code(), "raised", "{script}");
    }
    assert_eq!(peer.run(throws(peer.id())).await.unwrap_err().kind().code(), "panicked");
    assert_eq!(peer.run(one(peer.id())).await.unwrap(), 1);
}

/// A block panics when it is dropped, and its session continues.
#[actix_web::test]
async fn panic_of_cancelled_block_stays_there() {
    let watched = Arc::new(Watched::default());
    let server = Listening::start(open().shared_data(Arc::clone(&watched)));
    let client = open().shared_data(Arc::clone(&watched)).start();
    client.connect(server.url()).await.unwrap();
    for on in [server.peer.id(), client.id()] {
        let call = actix_web::rt::spawn(client.run(is_let_go(on)));
        watched.begun.notified().await;
        call.abort();
        watched.ended.notified().await;
        assert_eq!(client.run(one(on)).await.unwrap(), 1);
    }
}

/// `authorize` that panics refuses, wherever it does.
#[actix_web::test]
async fn panic_of_authorize_refuses() {
    for asking in [|| Asking(None), || Asking(Some(Ok(()))), || panic_any(Payload(3))] {
        let server = Listening::start(open().authorize(move |_: Attempt| asking()));
        let client = open().start();
        client.connect(server.url()).await.unwrap();
        for _ in 0..2 {
            let error = client.run(one(server.peer.id())).await.unwrap_err();
            assert_eq!(error.kind().code(), "forbidden", "{error}");
        }
    }
}

/// If `authenticate` panics, its client is rejected with a status, and so is the next one.
#[actix_web::test]
async fn panic_of_authenticate_turns_away() {
    for asking in [|| Asking(None), || Asking(Some(Ok(None))), || panic_any(Payload(3))] {
        let server = Listening::start(open().authenticate(move |_: Upgrade| asking()));
        let address = server.address.clone();
        let status = move || upgrade(&address, "distributed-scope.v1", &[]).status;
        let statuses = actix_web::rt::task::spawn_blocking(move || [status(), status()]);
        assert_eq!(statuses.await.unwrap(), [503, 503]);
    }
}

/// A panic in `observe` does not take the result from the call that it observes.
#[actix_web::test]
async fn panic_of_observe_changes_nothing() {
    let server = Listening::start(open());
    let client = open().observe(|_: &CallReport| panic_any(Payload(3))).start();
    client.connect(server.url()).await.unwrap();
    for on in [server.peer.id(), client.id()] {
        assert_eq!(client.run(one(on)).await.unwrap(), 1);
    }
}

#[distributed]
async fn unreadable(on: PeerId) -> Result<Unreadable, RemoteError> {
    remote!(on, [], { Unreadable(TOUCHY) }).await
}

/// A result whose `Deserialize` panics ends its call, and not the task that awaits it.
#[actix_web::test]
async fn panic_of_result_ends_its_call() {
    let (server, client) = pair().await;
    for on in [server.peer.id(), client.id()] {
        let error = client.run(unreadable(on)).await.unwrap_err();
        assert_eq!(error.kind().code(), "decode_result");
    }
}

/// If the source of a token panics, `connect` returns an error.
#[actix_web::test]
async fn panic_of_token_fails_connect() {
    let server = Listening::start(open());
    for asking in
        [|| Asking(None), || Asking(Some(Ok::<_, String>("a".to_owned()))), || panic_any(Payload(3))]
    {
        let endpoint = Endpoint::new(server.url()).bearer_from(asking);
        let error = open().start().connect(endpoint).await.unwrap_err();
        assert!(matches!(error, ConnectError::Token { .. }), "{error}");
    }
}
