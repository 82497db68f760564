//! Attackers with invalid or stolen tokens.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use distributed_scope::jwt::{Algorithm, Issuer, Tokens};
use distributed_scope::{
    ConnectError, Endpoint, ErrorKind, Limits, PeerId, RemoteError, distributed, here, remote,
};
use jsonwebtoken::Header;
use serde_json::{Value, json};

use crate::honest::attack_on;
use crate::minting::{AUDIENCE, Mint, RSA_PUBLIC, but, claims, now, signing};
use crate::raw::upgrade;
use crate::scripts;
use crate::support::{Listening, open};

const OURS: &str = "distributed-scope.v1";

/// How a request with this token is answered: the status, and the code in its text.
fn answer_to(address: &str, token: &str) -> String {
    code(token, &upgrade(address, OURS, &[("Authorization", &format!("Bearer {token}"))]))
}

fn code(token: &str, answer: &crate::raw::Answer) -> String {
    let (status, text) = (answer.status, answer.body());
    assert!(
        token.len() < 8 || !answer.text.contains(&token[..8]),
        "nothing of the token is in the answer: {text}"
    );
    match text.rsplit_once('[').and_then(|(_, rest)| rest.split_once(']')) {
        Some((code, _)) => format!("{status} `{code}`"),
        None => format!("{status} {text}").trim_end().to_owned(),
    }
}

/// An unsigned token.
fn unsigned(algorithm: &str) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.", part(&json!({ "alg": algorithm, "typ": "JWT" })), part(&claims("alice")))
}

#[actix_web::test]
async fn a_token_that_is_not_good_opens_nothing() {
    let (mint, other, rsa) =
        (Mint::new(Algorithm::EdDsa), Mint::new(Algorithm::EdDsa), Mint::new(Algorithm::Rs256));
    let partner = "https://partner.example.com";
    let tokens = Tokens::required(mint.issuer())
        .or(Issuer::new(partner, AUDIENCE, other.keys()))
        .or(Issuer::new("https://rsa.example.com", AUDIENCE, rsa.keys()));
    let good = mint.token("an honest client");
    let server = open().authenticate(tokens);
    attack_on(
        "Tokens",
        server,
        |url| Endpoint::new(url).bearer(good.clone()),
        move |target, scripts| {
            let address = &target.address;
            let mut refused = |script, token: &str| scripts.refused(script, answer_to(address, token));
            refused("has a token with the algorithm `none`", &unsigned("none"));
            refused("the same, written `NONE`", &unsigned("NONE"));
            refused("leaves the signature away", &unsigned("EdDSA"));
            let of_rsa = |mint: &Mint| mint.sign(&but("iss", json!("https://rsa.example.com")));
            let by_public_key = of_rsa(&Mint::with_secret(RSA_PUBLIC));
            refused("signs with a public key, as if it were a secret", &by_public_key);
            let (_, rest) = by_public_key.split_once('.').unwrap();
            let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"RS256"}"#);
            refused("the same, and says that this is RS256", &format!("{header}.{rest}"));
            refused("is issued by another party", &mint.sign(&but("iss", json!("https://evil.example.com"))));
            refused(
                "is vouched for by one issuer in the name of another",
                &mint.sign(&but("iss", json!(partner))),
            );
            refused("has a token for another audience", &mint.sign(&but("aud", json!("another"))));
            refused("has one that has expired", &mint.sign(&but("exp", json!(now() - 60))));
            refused("has one that is not valid yet", &mint.sign(&but("nbf", json!(now() + 600))));
            refused("has one without an end", &mint.sign(&but("exp", Value::Null)));
            refused("has one without a subject", &mint.sign(&but("sub", Value::Null)));
            refused("has one with an extension that has to be understood", &{
                let header =
                    Header { crit: Some(vec!["exp".to_owned()]), ..Header::new(signing(mint.algorithm)) };
                mint.sign_as(&header, &claims("alice"))
            });
            let token = mint.token("mallory");
            let parts: Vec<&str> = token.split('.').collect();
            let alice = URL_SAFE_NO_PAD.encode(claims("alice").to_string());
            refused("changes the claims", &format!("{}.{alice}.{}", parts[0], parts[2]));
            let mut signature = URL_SAFE_NO_PAD.decode(parts[2]).unwrap();
            signature[5] ^= 1;
            let signature = URL_SAFE_NO_PAD.encode(signature);
            refused("changes a bit of the signature", &format!("{}.{}.{signature}", parts[0], parts[1]));
            refused("signs with another key of the same kind", &Mint::new(Algorithm::EdDsa).token("alice"));
            refused("has half of a token", &token[..token.len() / 2]);
            refused("has something else", "not-a-token");
            refused("has a token of 8 KiB", &mint.sign(&but("padding", json!("x".repeat(8 << 10)))));
            refused("has a token of 1 MiB", &mint.sign(&but("padding", json!("x".repeat(1 << 20)))));
            let none = upgrade(address, OURS, &[]);
            scripts.refused("has none", code("", &none));
            let shown = format!("{OURS}, bearer.{}", URL_SAFE_NO_PAD.encode(unsigned("none")));
            scripts.refused(
                "shows one without a signature as a browser does",
                code("", &upgrade(address, &shown, &[])),
            );
            let garbled = upgrade(address, &format!("{OURS}, bearer.???"), &[]);
            scripts.refused("shows one as a browser does, garbled", code("", &garbled));
            let in_url = crate::raw::upgrade_at(address, &format!("/scope?access_token={token}"), OURS, &[]);
            scripts.refused("shows a good one in the URL", code(&token, &in_url));
            let header = |token: &str| ("Authorization", format!("Bearer {token}"));
            let as_browser = |token: &str| format!("bearer.{}", URL_SAFE_NO_PAD.encode(token));
            let (first, second) = (header(&token), header("another"));
            let two = upgrade(address, OURS, &[(first.0, &first.1), (second.0, &second.1)]);
            scripts.refused("shows a good one, and another in the same header", code(&token, &two));
            let both =
                upgrade(address, &format!("{OURS}, {}", as_browser("another")), &[(first.0, &first.1)]);
            scripts.refused(
                "shows a good one in the header, and another as a browser does",
                code(&token, &both),
            );
            let two = format!("{OURS}, {}, {}", as_browser(&token), as_browser("another"));
            scripts.refused(
                "shows a good one as a browser does, and another",
                code("", &upgrade(address, &two, &[])),
            );
        },
    )
    .await;
}

#[actix_web::test]
async fn a_good_token_opens_nothing_for_who_stole_it_from_another_peer() {
    let mint = Mint::new(Algorithm::EdDsa);
    let server = Listening::start(open().authenticate(Tokens::required(mint.issuer())));
    let alice = open().start();
    let token = mint.sign(&but("peer_id", json!(alice.id().to_string())));
    let error = open().start().connect(Endpoint::new(server.url()).bearer(token.clone())).await.unwrap_err();
    let ConnectError::Refused { source, .. } = error else { panic!("{error:?}") };
    let mut played = scripts::Scripts::default();
    played.refused("stole one that is bound to another peer", scripts::reject(&source));
    alice.connect(Endpoint::new(server.url()).bearer(token)).await.unwrap();
    played.are_those_of("Stolen tokens");
}

#[distributed(require = authenticated)]
async fn for_a_minute(on: PeerId) -> Result<String, RemoteError> {
    remote!(on, [], {
        actix_web::rt::time::sleep(Duration::from_secs(60)).await;
        here::require_principal()?.subject().to_owned()
    })
    .await
}

#[actix_web::test]
async fn a_session_ends_within_five_seconds_after_its_token() {
    let mint = Mint::new(Algorithm::Es256);
    let limits = Limits::default().with_resume_window(Duration::from_millis(100));
    let server =
        Listening::start(open().limits(limits.clone()).authenticate(Tokens::required(mint.issuer())));
    let client = open().limits(limits).start();
    let expires = now() + 4;
    let token = mint.sign(&but("exp", json!(expires)));
    client.connect(Endpoint::new(server.url()).bearer(token)).await.unwrap();
    server.peer.connected(client.id()).await;
    // No newer token is presented.
    let call = client.run(for_a_minute(server.peer.id()));
    let watch = async {
        while !server.peer.peers().is_empty() {
            actix_web::rt::time::sleep(Duration::from_millis(20)).await;
        }
        now()
    };
    let (ended, call) = futures_util::join!(watch, call);
    assert!((expires..=expires + 5).contains(&ended), "expired at {expires}, ended at {ended}");
    let error = call.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Disconnected, "{error:?}");
}
