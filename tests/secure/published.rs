//! Keys that an issuer publishes and rotates.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::{App, HttpResponse, HttpServer, web};
use distributed_scope::jwt::{Algorithm, Issuer, Keys, TokenError, Tokens};
use distributed_scope::tls::{self, Clients};
use jsonwebtoken::Header;
use parking_lot::Mutex;
use serde_json::{Value, json};

use crate::authority::{Authority, certificate};
use crate::minting::{AUDIENCE, Mint, NAME, claims, signing};

/// Publishes keys, and counts how often they were asked for.
struct Publisher {
    keys: Arc<Mutex<Vec<Value>>>,
    asked: Arc<AtomicU64>,
    port: u16,
    server: ServerHandle,
}

impl Publisher {
    fn start(authority: Option<&Authority>) -> Self {
        let keys = Arc::new(Mutex::new(Vec::new()));
        let asked = Arc::new(AtomicU64::new(0));
        let data = (Arc::clone(&keys), Arc::clone(&asked));
        let server = HttpServer::new(move || {
            let (keys, asked) = data.clone();
            let answer = move || {
                asked.fetch_add(1, Ordering::SeqCst);
                let keys = keys.lock().clone();
                async move {
                    if keys.is_empty() {
                        return HttpResponse::InternalServerError().finish();
                    }
                    HttpResponse::Ok().json(json!({ "keys": keys }))
                }
            };
            App::new().route("/keys", web::get().to(answer)).route(
                "/elsewhere",
                web::get()
                    .to(|| async { HttpResponse::Found().insert_header(("location", "/keys")).finish() }),
            )
        })
        .workers(1)
        .disable_signals();
        let server = match authority {
            None => server.bind("127.0.0.1:0").unwrap(),
            Some(authority) => {
                let own = certificate(&authority.server("localhost"));
                server.bind_rustls_0_23("127.0.0.1:0", tls::server(own, Clients::Any).unwrap()).unwrap()
            }
        };
        let port = server.addrs()[0].port();
        let server = server.run();
        let handle = server.handle();
        actix_web::rt::spawn(server);
        Self { keys, asked, port, server: handle }
    }

    fn publish(&self, mints: &[(&str, &Mint)]) {
        let named = mints.iter().map(|(id, mint)| {
            let mut key = mint.jwk.clone();
            key["kid"] = json!(id);
            key
        });
        *self.keys.lock() = named.collect();
    }

    fn asked(&self) -> u64 {
        self.asked.load(Ordering::SeqCst)
    }

    fn tokens(&self, algorithm: Algorithm, path: &str) -> Tokens {
        let keys = Keys::published(algorithm, &format!("http://127.0.0.1:{}{path}", self.port)).unwrap();
        Tokens::required(Issuer::new(NAME, AUDIENCE, keys).leeway(Duration::ZERO))
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        actix_web::rt::spawn(self.server.stop(false));
    }
}

fn token(mint: &Mint, key_id: &str) -> String {
    let header = Header { kid: Some(key_id.to_owned()), ..Header::new(signing(mint.algorithm)) };
    mint.sign_as(&header, &claims("alice"))
}

#[actix_web::test]
async fn published_keys_of_each_algorithm_are_fetched_once_and_kept() {
    for algorithm in [Algorithm::Rs256, Algorithm::Es256, Algorithm::EdDsa] {
        let mint = Mint::new(algorithm);
        let publisher = Publisher::start(None);
        publisher.publish(&[("first", &mint)]);
        let tokens = publisher.tokens(algorithm, "/keys");
        let token = token(&mint, "first");
        let (one, other) = futures_util::join!(tokens.check(&token), tokens.check(&token));
        assert_eq!(one.unwrap().subject(), "alice", "{algorithm}");
        assert!(other.is_ok());
        assert!(tokens.check(&token).await.is_ok());
        assert_eq!(publisher.asked(), 1, "those who come together and later make one request");
    }
}

#[actix_web::test]
async fn an_unknown_key_id_is_looked_for_and_a_flood_of_them_makes_no_flood_of_requests() {
    let (old, new) = (Mint::new(Algorithm::Es256), Mint::new(Algorithm::Es256));
    let publisher = Publisher::start(None);
    publisher.publish(&[("old", &old)]);
    let tokens = publisher.tokens(Algorithm::Es256, "/keys");
    assert!(tokens.check(&token(&old, "old")).await.is_ok());
    publisher.publish(&[("old", &old), ("new", &new)]);
    // The keys were fetched just now. An issuer publishes a key before it uses it.
    for number in 0..50 {
        let error = tokens.check(&token(&new, &format!("guess {number}"))).await.unwrap_err();
        assert_eq!(error, TokenError::Key);
    }
    assert_eq!(publisher.asked(), 1);
    assert!(tokens.check(&token(&old, "old")).await.is_ok());
    // A key id that belongs to another key.
    assert_eq!(tokens.check(&token(&new, "old")).await.unwrap_err(), TokenError::Signature);
    // Ten seconds after the last request there may be another.
    let in_time = async {
        while tokens.check(&token(&new, "new")).await.is_err() {
            actix_web::rt::time::sleep(Duration::from_millis(100)).await;
        }
    };
    actix_web::rt::time::timeout(Duration::from_secs(60), in_time).await.unwrap();
    assert_eq!(publisher.asked(), 2);
}

#[actix_web::test]
async fn an_issuer_that_publishes_nothing_is_told_apart_from_a_bad_token() {
    let mint = Mint::new(Algorithm::EdDsa);
    let publisher = Publisher::start(None);
    let tokens = publisher.tokens(Algorithm::EdDsa, "/keys");
    assert_eq!(tokens.check(&token(&mint, "first")).await.unwrap_err(), TokenError::Keys);
    publisher.publish(&[("first", &mint)]);
    // A redirect could lead away from TLS.
    let redirected = publisher.tokens(Algorithm::EdDsa, "/elsewhere");
    assert_eq!(redirected.check(&token(&mint, "first")).await.unwrap_err(), TokenError::Keys);
}

#[actix_web::test]
async fn keys_are_fetched_over_tls_from_whom_a_root_vouches_for() {
    let authority = Authority::new("authority");
    let mint = Mint::new(Algorithm::EdDsa);
    let publisher = Publisher::start(Some(&authority));
    publisher.publish(&[("first", &mint)]);
    let url = format!("https://localhost:{}/keys", publisher.port);
    let tokens = |keys| Tokens::required(Issuer::new(NAME, AUDIENCE, keys));
    let trusting = tls::client(authority.roots(), None).unwrap();
    let keys = Keys::published_with(Algorithm::EdDsa, &url, trusting).unwrap();
    assert_eq!(tokens(keys).check(&token(&mint, "first")).await.unwrap().subject(), "alice");
    let other = tls::client(Authority::new("authority").roots(), None).unwrap();
    let keys = Keys::published_with(Algorithm::EdDsa, &url, other).unwrap();
    assert_eq!(tokens(keys).check(&token(&mint, "first")).await.unwrap_err(), TokenError::Keys);
}
