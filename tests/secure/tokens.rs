//! Clients that are authenticated by their tokens, and the ways to forge one.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use distributed_scope::jwt::{Algorithm, Issuer, KeyError, Keys, Tokens};
use distributed_scope::{
    ConnectError, Endpoint, ErrorKind, Limits, PeerId, Refusal, RemoteError, distributed, here, remote,
};
use jsonwebtoken::Header;
use serde_json::{Value, json};

use crate::minting::{self, AUDIENCE, Mint, NAME, RSA_PUBLIC, but, claims, now, signing};
use crate::support::{Listening, open, who_am_i};

const ALL: [Algorithm; 4] = [Algorithm::Hs256, Algorithm::Rs256, Algorithm::Es256, Algorithm::EdDsa];

fn listening(tokens: Tokens) -> Listening {
    Listening::start(open().authenticate(tokens), None)
}

/// Asserts that a token is refused with this code, and that the answer contains no part of the
/// token.
async fn refused(server: &Listening, token: &str, code: &str) {
    let request = awc::Client::new()
        .get(format!("http://localhost:{}/scope", server.port))
        .insert_header(("upgrade", "websocket"))
        .insert_header(("sec-websocket-protocol", "distributed-scope.v1"))
        .bearer_auth(token);
    let mut answer = request.send().await.unwrap();
    let body = answer.body().await.unwrap();
    let text = String::from_utf8_lossy(&body);
    assert_eq!(answer.status(), 401, "{code}: {text}");
    assert!(text.contains(&format!("[{code}]")), "{code}: {text}");
    assert!(token.len() < 8 || !text.contains(&token[..8]), "{text}");
}

/// Asserts that a token is accepted.
async fn taken(server: &Listening, token: String) {
    let client = open().start();
    client.connect(Endpoint::new(server.url()).bearer(token)).await.unwrap();
    client.stop().await;
}

#[actix_web::test]
async fn a_token_of_each_algorithm_makes_its_subject_known() {
    for algorithm in ALL {
        let mint = Mint::new(algorithm);
        let server = listening(Tokens::required(mint.issuer()));
        let client = open().start();
        client.connect(Endpoint::new(server.url()).bearer(mint.token("alice"))).await.unwrap();
        let known = client.run(who_am_i(server.peer.id())).await.unwrap();
        assert_eq!(known.as_deref(), Some("alice"), "{algorithm}");
    }
}

/// An unsigned token.
fn unsigned(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.", part(header), part(claims))
}

#[actix_web::test]
async fn a_token_without_a_signature_is_refused() {
    for algorithm in ALL {
        let server = listening(Tokens::required(Mint::new(algorithm).issuer()));
        for none in ["none", "None", "NONE", ""] {
            let token = unsigned(&json!({ "alg": none, "typ": "JWT" }), &claims("alice"));
            refused(&server, &token, "token_algorithm").await;
        }
        let token = unsigned(&json!({ "alg": algorithm.name() }), &claims("alice"));
        refused(&server, &token, "token_signature").await;
    }
}

#[actix_web::test]
async fn a_public_key_does_not_serve_as_a_secret() {
    let rsa = Mint::new(Algorithm::Rs256);
    let server = listening(Tokens::required(rsa.issuer()));
    // The public key is known to everyone. An attacker signs with it as if it were the secret of
    // HS256.
    let forged = Mint::with_secret(RSA_PUBLIC).token("alice");
    refused(&server, &forged, "token_algorithm").await;
    // And claims that this is RS256.
    let (_, rest) = forged.split_once('.').unwrap();
    let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"RS256"}"#);
    refused(&server, &format!("{header}.{rest}"), "token_signature").await;
    // Another algorithm, though one that this library has.
    refused(&server, &Mint::new(Algorithm::Es256).token("alice"), "token_algorithm").await;
}

#[actix_web::test]
async fn a_token_of_another_issuer_or_for_another_audience_is_refused() {
    let mint = Mint::new(Algorithm::Es256);
    let server = listening(Tokens::required(mint.issuer()));
    refused(&server, &mint.sign(&but("iss", json!("https://evil.example.com"))), "token_issuer").await;
    refused(&server, &mint.sign(&but("iss", json!(format!("{NAME}/")))), "token_issuer").await;
    refused(&server, &mint.sign(&but("iss", Value::Null)), "token_issuer").await;
    refused(&server, &mint.sign(&but("aud", json!("another"))), "token_audience").await;
    refused(&server, &mint.sign(&but("aud", json!(["another", "third"]))), "token_audience").await;
    refused(&server, &mint.sign(&but("aud", Value::Null)), "token_claim").await;
    taken(&server, mint.sign(&but("aud", json!(["another", AUDIENCE])))).await;
}

#[actix_web::test]
async fn an_issuer_cannot_issue_tokens_of_another_one() {
    let (one, other) = (Mint::new(Algorithm::Es256), Mint::new(Algorithm::Es256));
    let others_name = "https://other.example.com";
    let tokens = Tokens::required(one.issuer()).or(Issuer::new(others_name, AUDIENCE, other.keys()));
    let server = listening(tokens);
    taken(&server, other.sign(&but("iss", json!(others_name)))).await;
    refused(&server, &other.token("alice"), "token_signature").await;
}

#[actix_web::test]
async fn a_token_counts_from_its_beginning_to_its_end_and_has_an_end() {
    let mint = Mint::new(Algorithm::EdDsa);
    let server = listening(Tokens::required(mint.issuer()));
    refused(&server, &mint.sign(&but("exp", json!(now() - 60))), "token_expired").await;
    refused(&server, &mint.sign(&but("exp", Value::Null)), "token_claim").await;
    refused(&server, &mint.sign(&but("exp", json!("2999-01-01"))), "token_claim").await;
    refused(&server, &mint.sign(&but("exp", json!(u64::MAX))), "token_claim").await;
    refused(&server, &mint.sign(&but("nbf", json!(now() + 600))), "token_not_yet").await;
    refused(&server, &mint.sign(&but("nbf", json!("soon"))), "token_claim").await;
    taken(&server, mint.sign(&but("nbf", json!(now() - 600)))).await;
}

#[actix_web::test]
async fn clocks_may_differ_by_the_leeway() {
    let mint = Mint::new(Algorithm::EdDsa);
    let server = listening(Tokens::required(mint.issuer().leeway(Duration::from_secs(3600))));
    taken(&server, mint.sign(&but("exp", json!(now() - 600)))).await;
    taken(&server, mint.sign(&but("nbf", json!(now() + 600)))).await;
}

#[actix_web::test]
async fn a_changed_token_or_one_by_another_key_is_refused() {
    for algorithm in ALL {
        let mint = Mint::new(algorithm);
        let server = listening(Tokens::required(mint.issuer()));
        let token = mint.token("mallory");
        let parts: Vec<&str> = token.split('.').collect();
        let claims = URL_SAFE_NO_PAD.encode(claims("alice").to_string());
        refused(&server, &format!("{}.{claims}.{}", parts[0], parts[2]), "token_signature").await;
        let mut signature = URL_SAFE_NO_PAD.decode(parts[2]).unwrap();
        signature[5] ^= 1;
        let signature = URL_SAFE_NO_PAD.encode(signature);
        refused(&server, &format!("{}.{}.{signature}", parts[0], parts[1]), "token_signature").await;
    }
    let server = listening(Tokens::required(Mint::new(Algorithm::EdDsa).issuer()));
    refused(&server, &Mint::new(Algorithm::EdDsa).token("alice"), "token_signature").await;
    let server = listening(Tokens::required(Mint::new(Algorithm::Hs256).issuer()));
    let other = Mint::with_secret(b"another secret, which is 32 bytes");
    refused(&server, &other.token("alice"), "token_signature").await;
}

#[actix_web::test]
async fn a_piece_of_a_token_or_something_else_is_refused() {
    let mint = Mint::new(Algorithm::Es256);
    let server = listening(Tokens::required(mint.issuer()));
    let token = mint.token("alice");
    for length in [1, token.len() / 4, token.len() / 2] {
        refused(&server, &token[..length], "token_malformed").await;
    }
    refused(&server, &token[..token.len() - 6], "token_signature").await;
    for other in ["not-a-token", "a.b.c", "..", "e30.e30.", &format!("{token}.{token}")] {
        refused(&server, other, "token_malformed").await;
    }
    let header = Header { crit: Some(vec!["exp".to_owned()]), ..Header::new(signing(mint.algorithm)) };
    refused(&server, &mint.sign_as(&header, &claims("alice")), "token_critical").await;
    refused(&server, &mint.sign(&but("sub", Value::Null)), "token_claim").await;
    refused(&server, &mint.sign(&but("sub", json!(7))), "token_claim").await;
    refused(&server, &mint.sign(&but("peer_id", json!("me"))), "token_claim").await;
}

#[actix_web::test]
async fn a_token_that_is_too_large_is_refused_whatever_it_says() {
    let mint = Mint::new(Algorithm::Hs256);
    let server = listening(Tokens::required(mint.issuer()));
    let large = |size: usize| mint.sign(&but("padding", json!("x".repeat(size))));
    taken(&server, large(4 << 10)).await;
    refused(&server, &large(8 << 10), "token_too_large").await;
    // 1 MiB does not get as far as that: the server takes no header of that size.
    let token = large(1 << 20);
    let error = open().start().connect(Endpoint::new(server.url()).bearer(token)).await.unwrap_err();
    assert!(!matches!(error, ConnectError::TimedOut { .. }), "{error:?}");
    taken(&server, mint.token("alice")).await;
}

#[actix_web::test]
async fn without_a_token_a_client_is_turned_away_or_nobody_as_the_server_says() {
    let mint = Mint::new(Algorithm::Es256);
    let server = listening(Tokens::required(mint.issuer()));
    let error = open().start().connect(server.url()).await.unwrap_err();
    assert!(matches!(error, ConnectError::Denied { status: 401, .. }), "{error:?}");
    let server = listening(Tokens::optional(mint.issuer()));
    let client = open().start();
    client.connect(server.url()).await.unwrap();
    assert_eq!(client.run(who_am_i(server.peer.id())).await.unwrap(), None);
    let error = open().start().connect(Endpoint::new(server.url()).bearer("forged")).await.unwrap_err();
    assert!(matches!(error, ConnectError::Denied { status: 401, .. }), "{error:?}");
}

/// Runs for long enough that a token expires meanwhile. Reports when it began, and its caller's
/// principal at its end.
#[distributed(require = authenticated)]
async fn slowly(on: PeerId, pause: Duration) -> Result<String, RemoteError> {
    remote!(on, [pause], {
        here::data::<AtomicU64>()?.fetch_add(1, Ordering::SeqCst);
        actix_web::rt::time::sleep(pause).await;
        here::require_principal()?.subject().to_owned()
    })
    .await
}

#[actix_web::test]
async fn a_session_outlives_its_token_only_if_a_newer_one_is_shown() {
    let mint = Arc::new(Mint::new(Algorithm::Es256));
    let runs = Arc::new(AtomicU64::new(0));
    let limits = Limits::default().with_reconnect_delay(Duration::from_millis(10));
    let builder = open().shared_data(Arc::clone(&runs)).authenticate(Tokens::required(mint.issuer()));
    let server = Listening::start(builder, None);
    let asked = Arc::new(AtomicU64::new(0));
    let (counted, signing) = (Arc::clone(&asked), Arc::clone(&mint));
    // Each token is for three seconds.
    let endpoint = Endpoint::new(server.url()).bearer_from(move || {
        counted.fetch_add(1, Ordering::SeqCst);
        let token = signing.sign(&but("exp", json!(now() + 3)));
        async move { Ok::<_, std::convert::Infallible>(token) }
    });
    let client = open().limits(limits).start();
    client.connect(endpoint).await.unwrap();
    // The token ends in the middle of this call, which runs once and is answered on a later
    // connection
    // of the same session.
    let who = client.run(slowly(server.peer.id(), Duration::from_secs(5))).await.unwrap();
    assert_eq!(who, "alice");
    assert_eq!(runs.load(Ordering::SeqCst), 1);
    assert!(asked.load(Ordering::SeqCst) >= 2, "a newer token was shown");
}

#[actix_web::test]
async fn a_claim_of_a_token_is_what_a_block_may_require() {
    let mint = Mint::new(Algorithm::EdDsa);
    let server = listening(Tokens::required(mint.issuer()));
    let editor = open().start();
    editor.connect(Endpoint::new(server.url()).bearer(mint.token("alice"))).await.unwrap();
    assert_eq!(editor.run(publish(server.peer.id())).await.unwrap(), "published by alice");
    let reader = open().start();
    let token = mint.sign(&but("role", json!("reader")));
    reader.connect(Endpoint::new(server.url()).bearer(token)).await.unwrap();
    let error = reader.run(publish(server.peer.id())).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Refused(Refusal::Forbidden(_))), "{error:?}");
}

#[distributed(require = claim("role", "editor"))]
async fn publish(on: PeerId) -> Result<String, RemoteError> {
    remote!(on, [], { format!("published by {}", here::require_principal()?.subject()) }).await
}

#[test]
fn keys_that_are_none_are_refused_before_there_is_a_token() {
    assert!(matches!(Keys::secret(&minting::SECRET[..31]), Err(KeyError::ShortSecret(31))));
    assert!(matches!(Keys::public_pem(Algorithm::Hs256, RSA_PUBLIC), Err(KeyError::NotPublic)));
    assert!(matches!(Keys::public_pem(Algorithm::Es256, RSA_PUBLIC), Err(KeyError::Pem { .. })));
    assert!(matches!(Keys::public_pem(Algorithm::Rs256, b"nonsense"), Err(KeyError::Pem { .. })));
    let published = |url| Keys::published(Algorithm::Es256, url);
    assert!(matches!(published("http://login.example.com/keys"), Err(KeyError::Plaintext(_))));
    assert!(matches!(published("ftp://login.example.com/keys"), Err(KeyError::Url(_))));
    assert!(matches!(published("/keys"), Err(KeyError::Url(_))));
    assert!(published("https://login.example.com/keys").is_ok());
    assert!(!format!("{:?}", Keys::secret(minting::SECRET)).contains("01234"));
}
