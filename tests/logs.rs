//! Secrets do not appear in the logs. Everything at `debug` is kept, and each secret contains a
//! word that must not be in it.

#![allow(clippy::unwrap_used, reason = "in a test, to panic is to fail")]

use std::io::Write;
use std::sync::{Mutex, PoisonError};

use actix_web::{App, HttpServer};
use distributed_scope::{
    Attempt, Blocks, Denied, Disclosure, Endpoint, Limits, Peer, PeerId, Principal, Proof, RemoteError,
    Upgrade, distributed, here, on_connect, remote,
};
use tracing_subscriber::fmt::MakeWriter;

const SENTINEL: &str = "s3ntinel";

static LOG: Mutex<Vec<u8>> = Mutex::new(Vec::new());

struct Log;

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        LOG.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        Self
    }
}

fn secret(what: &str) -> String {
    format!("{SENTINEL}-{what}")
}

#[distributed]
async fn echo(on: PeerId, secret: String) -> Result<String, RemoteError> {
    remote!(on, [secret], {
        assert!(here::principal().is_none_or(|principal| !principal.subject().is_empty()));
        format!("{secret}-and-back")
    })
    .await
}

#[distributed]
async fn fail(on: PeerId, secret: String) -> Result<(), RemoteError> {
    remote!(on, [secret], { Err(format!("it failed with {secret}"))? }).await
}

#[distributed]
async fn panics(on: PeerId, secret: String) -> Result<(), RemoteError> {
    remote!(on, [secret], { panic!("it panicked with {secret}") }).await
}

#[distributed(require = claim("role", "nobody-has-this"))]
async fn refused(on: PeerId, secret: String) -> Result<(), RemoteError> {
    remote!(on, [secret], { drop(secret) }).await
}

/// Reads back as an error that shows what was sent.
#[derive(Clone, Debug)]
struct Unreadable(String);

impl serde::Serialize for Unreadable {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> serde::Deserialize<'de> for Unreadable {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Err(serde::de::Error::custom(format!("it cannot be {text}")))
    }
}

#[distributed]
async fn undecodable(on: PeerId, secret: Unreadable) -> Result<(), RemoteError> {
    remote!(on, [secret], { drop(secret) }).await
}

#[distributed]
async fn forbidden(on: PeerId, secret: String) -> Result<(), RemoteError> {
    remote!(on, [secret], { drop(secret) }).await
}

#[actix_web::test]
async fn no_argument_result_token_claim_error_or_panic_is_logged() {
    tracing_subscriber::fmt().with_max_level(tracing::Level::DEBUG).with_writer(Log).with_ansi(false).init();
    // Panics are printed by the program's own hook, which is not ours to silence; here it would be
    // read as a log.
    std::panic::set_hook(Box::new(|_| {}));

    let limits = Limits::default().with_max_calls_per_second(30);
    let server = Peer::builder(PeerId::named("server"))
        .expose(Blocks::all())
        .limits(limits)
        .disclose(Disclosure::Panics)
        .authenticate(|upgrade: Upgrade| async move {
            let token = upgrade.bearer()?.ok_or(Denied::unauthenticated("no token"))?;
            if !token.ends_with("token") {
                // What a stranger may have put there.
                return Err(Denied::forbidden(
                    "no such token\n2026-01-01T00:00:00Z  INFO forged: all is well",
                ));
            }
            Ok(Some(Principal::new("ada\n", Proof::Token).claim("secret", secret("claim"))))
        })
        .authorize(|attempt: Attempt| async move {
            if attempt.block.path.contains("forbidden") { Err(Denied::forbidden("no")) } else { Ok(()) }
        })
        .start();
    let service = server.clone();
    let http = HttpServer::new(move || App::new().service(service.service("/scope")))
        .on_connect(on_connect)
        .workers(1)
        .disable_signals()
        .bind(("127.0.0.1", 0))
        .unwrap();
    let url = format!("ws://{}/scope", http.addrs()[0]);
    actix_web::rt::spawn(http.run());

    let client = Peer::builder(PeerId::random()).expose(Blocks::all()).start();
    client.connect(Endpoint::new(&url).bearer(secret("token"))).await.unwrap();
    let on = server.id();
    assert_eq!(client.run(echo(on, secret("argument"))).await.unwrap(), secret("argument-and-back"));
    let told = |error: RemoteError| format!("{error:#}");
    assert!(
        told(client.run(fail(on, secret("error"))).await.unwrap_err()).contains(SENTINEL),
        "the caller is told"
    );
    assert!(told(client.run(panics(on, secret("panic"))).await.unwrap_err()).contains(SENTINEL));
    assert!(
        told(client.run(undecodable(on, Unreadable(secret("capture")))).await.unwrap_err())
            .contains(SENTINEL)
    );
    assert!(client.run(refused(on, secret("argument"))).await.is_err());
    assert!(client.run(forbidden(on, secret("argument"))).await.is_err());
    for n in 0..40 {
        // The last ones are refused, for there are too many.
        let _ = client.run(echo(on, secret(&n.to_string()))).await;
    }
    for token in [secret("wrong"), String::new()] {
        let stranger = Peer::builder(PeerId::random()).start();
        assert!(stranger.connect(Endpoint::new(&url).bearer(token)).await.is_err());
    }
    let with_secrets = url.replace("ws://", &format!("ws://{}@", secret("user")));
    assert!(Peer::builder(PeerId::random()).start().connect(with_secrets).await.is_err());
    let with_secrets = format!("{url}-not?token={}", secret("query"));
    assert!(Peer::builder(PeerId::random()).start().connect(with_secrets).await.is_err());
    client.stop().await;
    server.stop().await;

    let log = String::from_utf8(std::mem::take(&mut *LOG.lock().unwrap())).unwrap();
    assert!(!log.contains(SENTINEL), "{log}");
    assert!(
        log.contains("forged")
            && !log.lines().any(|line| line.contains("Z  INFO forged") && !line.contains("upgrade refused")),
        "{log}"
    );
    // base64url of the beginning of the word.
    assert!(!log.contains("czNudGluZW"), "{log}");
    // Each refusal has a line with its code, the peer, the caller and the call.
    for code in ["forbidden", "decode_captures"] {
        let refused =
            |line: &&str| line.contains("INFO") && line.contains("call refused") && line.contains(code);
        let line = log.lines().find(refused).unwrap_or_else(|| panic!("{code} is not logged: {log}"));
        // A subject is quoted, so that none makes a line of its own.
        assert!(line.contains(r#"principal="ada\n""#) && line.contains("block=\"logs::"), "{line}");
    }
    for outcome in ["value", "raised", "panicked"] {
        let ended =
            |line: &&str| line.contains("call ended") && line.contains(&format!("outcome=\"{outcome}\""));
        let line = log.lines().find(ended).unwrap_or_else(|| panic!("{outcome} is not logged: {log}"));
        assert!(
            line.contains("DEBUG") && line.contains("took=") && line.contains("block=\"logs::"),
            "{line}"
        );
    }
    for what in ["session open", "session ended"] {
        let seen = |line: &&str| {
            line.contains(what)
                && line.contains(r#"principal="ada\n""#)
                && line.contains("address=127.0.0.1:")
        };
        assert!(log.lines().any(|line| seen(&line)), "{what} is not logged with its principal: {log}");
    }
    for code in ["forbidden", "decode_captures", "too_fast"] {
        let line = log.lines().find(|line| line.contains("call refused") && line.contains(code));
        let line = line.unwrap_or_else(|| panic!("{code} is not logged: {log}"));
        assert!(line.contains("call=") && line.contains(&client.id().to_string()), "{line}");
    }
    for line in ["peer started", "call begins", "session open", "upgrade refused", "a block panicked"] {
        assert!(log.contains(line), "nothing is logged of \"{line}\": {log}");
    }
}
