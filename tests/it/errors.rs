//! How calls fail: every error has a kind, says whether the block ran, and keeps its causes.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use distributed_scope::{ErrorKind, PeerId, Ran, Refusal, RemoteError, distributed, remote};

use crate::log::SENTINEL;
use crate::support::{open, pair};

#[distributed]
async fn parse(on: PeerId, text: String) -> Result<u32, RemoteError> {
    remote!(on, [text], { text.trim().parse::<u32>()? }).await
}

#[actix_web::test]
async fn an_error_raised_by_a_block_reaches_the_caller_with_its_cause() {
    let (server, client) = pair().await;
    assert_eq!(client.run(parse(server.peer.id(), " 12 ".to_owned())).await.unwrap(), 12);
    let error = client.run(parse(server.peer.id(), SENTINEL.to_owned())).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Raised);
    assert_eq!(error.ran(), Ran::Yes);
    assert_eq!(error.peer(), Some(server.peer.id()));
    assert!(error.block().unwrap().ends_with("errors::parse#0"), "{error}");
    assert!(error.location().unwrap().0.ends_with("errors.rs"), "{error}");
    assert_eq!(error.source().unwrap().to_string(), "invalid digit found in string");
}

#[actix_web::test]
async fn a_chain_of_causes_arrives_whole() {
    #[derive(Debug)]
    struct Layer(&'static str, Option<Box<Layer>>);
    impl fmt::Display for Layer {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }
    }
    impl Error for Layer {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            self.1.as_deref().map(|layer| layer as _)
        }
    }
    #[distributed]
    async fn fail_deep(on: PeerId) -> Result<(), RemoteError> {
        remote!(on, [], {
            let disk = Layer(SENTINEL, None);
            Err(Layer("cannot save", Some(Box::new(disk))))?;
        })
        .await
    }
    let (server, client) = pair().await;
    let error = client.run(fail_deep(server.peer.id())).await.unwrap_err();
    assert!(format!("{error:#}").ends_with("raised an error: cannot save: s3ntinel"), "{error:#}");
}

#[actix_web::test]
async fn text_and_anyhow_errors_can_be_raised() {
    #[distributed]
    async fn fail(on: PeerId, how: u8) -> Result<(), RemoteError> {
        remote!(on, [how], {
            match how {
                0 => Err(SENTINEL)?,
                1 => Err(format!("a {SENTINEL}"))?,
                _ => Err(anyhow::anyhow!(SENTINEL).context("an anyhow::Error"))?,
            }
        })
        .await
    }
    let (server, client) = pair().await;
    for (how, expected) in [(0, "s3ntinel"), (1, "a s3ntinel"), (2, "an anyhow::Error: s3ntinel")] {
        let error = client.run(fail(server.peer.id(), how)).await.unwrap_err();
        assert!(format!("{error:#}").ends_with(&format!("raised an error: {expected}")), "{error:#}");
    }
}

#[actix_web::test]
async fn the_error_of_a_nested_call_tells_the_path_of_its_hops() {
    #[distributed]
    async fn outer(server: PeerId, client: PeerId) -> Result<u32, RemoteError> {
        remote!(server, [client], { parse(client, "no number".to_owned()).await? }).await
    }
    let (server, client) = pair().await;
    let error = client.run(outer(server.peer.id(), client.id())).await.unwrap_err();
    let path: Vec<_> = error.hops().map(|hop| hop.peer().unwrap()).collect();
    assert_eq!(path, [server.peer.id(), client.id()]);
    assert!(format!("{error:#}").ends_with("invalid digit found in string"), "{error:#}");
}

#[actix_web::test]
async fn a_panic_ends_its_own_call_and_nothing_else() {
    #[distributed]
    async fn maybe_panic(on: PeerId, n: u32, late: bool) -> Result<u32, RemoteError> {
        remote!(on, [n, late], {
            if late {
                tokio::task::yield_now().await;
            }
            assert!(n % 2 == 0, "{SENTINEL}");
            n
        })
        .await
    }
    let (server, client) = pair().await;
    for late in [false, true] {
        let calls = (0..50).map(|n| client.run(maybe_panic(server.peer.id(), n, late)));
        for (n, result) in (0..).zip(futures_util::future::join_all(calls).await) {
            if n % 2 == 0 {
                assert_eq!(result.unwrap(), n);
            } else {
                let error = result.unwrap_err();
                assert_eq!(*error.kind(), ErrorKind::Panicked);
                assert_eq!(error.ran(), Ran::Yes);
                assert!(
                    !format!("{error:#}").contains(SENTINEL),
                    "a panic's text stays on its peer: {error:#}"
                );
            }
        }
    }
}

#[actix_web::test]
async fn a_panic_in_a_call_to_oneself_is_an_error_too() {
    #[distributed]
    async fn panic_at(on: PeerId) -> Result<(), RemoteError> {
        remote!(on, [], { panic!("{SENTINEL}") }).await
    }
    let alone = open().start();
    let error = alone.run(panic_at(alone.id())).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Panicked);
}

#[distributed]
async fn never(on: PeerId) -> Result<(), RemoteError> {
    remote!(on, [], { std::future::pending::<()>().await }).timeout(Duration::from_millis(20)).await
}

#[actix_web::test]
async fn a_call_ends_at_its_deadline() {
    let (server, client) = pair().await;
    for on in [server.peer.id(), client.id()] {
        let error = client.run(never(on)).await.unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::DeadlineExceeded);
        assert_eq!(error.ran(), Ran::Maybe);
    }
}

/// Cannot be written if it is 57, which no made-up value is.
#[derive(serde::Deserialize)]
struct Stubborn(u8);

impl serde::Serialize for Stubborn {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0 == 57 {
            return Err(serde::ser::Error::custom(SENTINEL));
        }
        serializer.serialize_newtype_struct("Stubborn", &self.0)
    }
}

#[actix_web::test]
async fn captures_that_cannot_be_encoded_are_an_error_and_send_nothing() {
    #[distributed]
    async fn send(on: PeerId, back: bool) -> Result<u8, RemoteError> {
        if back {
            return Ok(remote!(on, [], { Stubborn(57) }).await?.0);
        }
        let stubborn = Stubborn(57);
        remote!(on, [stubborn], { stubborn.0 }).await
    }
    let (server, client) = pair().await;
    let error = client.run(send(server.peer.id(), false)).await.unwrap_err();
    assert_eq!((error.kind(), error.ran()), (&ErrorKind::EncodeCaptures, Ran::Never));
    assert!(format!("{error:#}").contains("cannot encode `Stubborn`"), "{error:#}");
    assert!(format!("{error:#}").contains(SENTINEL), "{error:#}");
    let error = client.run(send(server.peer.id(), true)).await.unwrap_err();
    assert_eq!((error.kind(), error.ran()), (&ErrorKind::EncodeResult, Ran::Yes));
}

/// Cannot be written at all.
#[derive(serde::Deserialize)]
struct Unwritable;

impl serde::Serialize for Unwritable {
    fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("no"))
    }
}

/// A type of which no value can travel is refused before anything runs, as a capture and as a
/// result.
#[actix_web::test]
async fn type_that_cannot_travel_is_refused() {
    #[distributed]
    async fn send_unwritable(on: PeerId, back: bool) -> Result<(), RemoteError> {
        if back {
            remote!(on, [], { made() }).await?;
        }
        let unwritable = Unwritable;
        remote!(on, [unwritable], { taken(unwritable) }).await
    }
    fn made() -> Unwritable {
        panic!("this must never run")
    }
    fn taken(_: Unwritable) {
        panic!("this must never run")
    }
    let (server, client) = pair().await;
    for back in [false, true] {
        let error = client.run(send_unwritable(server.peer.id(), back)).await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Refused(Refusal::CannotTravel(_))), "{error:#}");
        assert_eq!(error.ran(), Ran::Never);
        assert!(error.to_string().contains("`Unwritable` cannot travel"), "{error:#}");
    }
}
