//! `wss://`, and clients that are authenticated by their certificates.

use std::io::{Read, Write};
use std::sync::Arc;

use actix_web::http::{StatusCode, Version, header};
use distributed_scope::tls::{self, Certificate, Clients, Renewable, Roots};
use distributed_scope::{
    ConnectError, Endpoint, PeerId, Principal, Proof, RemoteError, Upgrade, distributed, remote,
};

use crate::authority::{Authority, certificate};
use crate::support::{Listening, causes, open, who_am_i};

fn listening(authority: &Authority, clients: Clients) -> Listening {
    let config = tls::server(certificate(&authority.server("localhost")), clients).unwrap();
    Listening::start(open(), Some(config))
}

fn endpoint(server: &Listening, roots: Roots, certificate: Option<Certificate>) -> Endpoint {
    Endpoint::new(server.url()).tls(tls::client(roots, certificate).unwrap())
}

#[distributed]
async fn reversed(on: PeerId, bytes: Vec<u8>) -> Result<Vec<u8>, RemoteError> {
    remote!(on, [bytes], { bytes.into_iter().rev().collect::<Vec<_>>() }).await
}

#[actix_web::test]
async fn calls_go_both_ways_over_tls_with_certificates_from_files() {
    let authority = Authority::new("authority");
    let folder = std::env::temp_dir().join(format!("tls-{}", PeerId::random()));
    std::fs::create_dir(&folder).unwrap();
    let (chain, key) = authority.server("localhost");
    for (name, text) in [("root.pem", authority.pem()), ("server.pem", &chain), ("server.key", &key)] {
        std::fs::write(folder.join(name), text).unwrap();
    }
    let certificate = Certificate::from_files(folder.join("server.pem"), folder.join("server.key")).unwrap();
    let roots = Roots::from_file(folder.join("root.pem")).unwrap();
    std::fs::remove_dir_all(&folder).unwrap();

    let server = Listening::start(open(), Some(tls::server(certificate, Clients::Any).unwrap()));
    let client = open().start();
    client.connect(endpoint(&server, roots, None)).await.unwrap();
    let bytes: Vec<u8> = (0..1_000_000_u32).map(|number| number as u8).collect();
    let expected: Vec<u8> = bytes.iter().rev().copied().collect();
    // Several chunks, and many TLS records.
    assert_eq!(client.run(reversed(server.peer.id(), bytes.clone())).await.unwrap(), expected);
    assert_eq!(server.peer.run(reversed(client.id(), bytes)).await.unwrap(), expected);
    assert_eq!(client.run(who_am_i(server.peer.id())).await.unwrap(), None);
}

/// Why a connection is not made.
async fn refused(endpoint: Endpoint) -> String {
    let error = open().start().connect(endpoint).await.unwrap_err();
    assert!(matches!(error, ConnectError::Tls { .. }), "{error:?}");
    causes(&error)
}

#[actix_web::test]
async fn a_server_that_nobody_trusted_vouches_for_is_not_spoken_to() {
    let authority = Authority::new("authority");
    let server = listening(&authority, Clients::Any);
    let other = Authority::new("authority");
    let text = refused(endpoint(&server, other.roots(), None).bearer("secret")).await;
    assert!(text.contains("Roots::from_file"), "{text}");
    // Nor does the operating system know it.
    let text = refused(Endpoint::new(server.url())).await;
    assert!(text.contains("Endpoint::tls"), "{text}");
}

#[actix_web::test]
async fn a_certificate_of_another_name_or_one_that_has_expired_is_not_trusted() {
    let authority = Authority::new("authority");
    let config = tls::server(certificate(&authority.server("example.com")), Clients::Any).unwrap();
    let server = Listening::start(open(), Some(config));
    let text = refused(endpoint(&server, authority.roots(), None)).await;
    assert!(text.contains("another name"), "{text}");

    let text =
        refused(endpoint(&listening(&authority, Clients::MustShow(authority.roots())), authority.roots(), {
            Some(authority.client_with("alice", |params| params.not_after = rcgen::date_time_ymd(2020, 1, 1)))
        }))
        .await;
    assert!(text.contains("does not take this peer's certificate"), "{text}");
}

#[actix_web::test]
async fn a_certificate_is_replaced_while_its_server_runs() {
    let (old, new) = (Authority::new("old"), Authority::new("new"));
    let renewable = Renewable::new(certificate(&old.server("localhost"))).unwrap();
    let server = Listening::start(open(), Some(tls::server_with(&renewable, Clients::Any).unwrap()));
    let early = open().start();
    early.connect(endpoint(&server, old.roots(), None)).await.unwrap();

    // A key that is not the certificate's is noticed here, and not by the next client.
    let ((chain, _), (_, key)) = (new.server("localhost"), new.server("localhost"));
    assert!(renewable.replace(certificate(&(chain, key))).is_err());
    open().start().connect(endpoint(&server, old.roots(), None)).await.unwrap();

    renewable.replace(certificate(&new.server("localhost"))).unwrap();
    open().start().connect(endpoint(&server, new.roots(), None)).await.unwrap();
    refused(endpoint(&server, old.roots(), None)).await;
    assert_eq!(early.run(who_am_i(server.peer.id())).await.unwrap(), None, "its connection goes on");
}

#[actix_web::test]
async fn a_client_certificate_is_a_principal() {
    let authority = Authority::new("authority");
    let server = listening(&authority, Clients::MustShow(authority.roots()));
    let client = open().start();
    client.connect(endpoint(&server, authority.roots(), Some(authority.client("alice")))).await.unwrap();
    assert_eq!(client.run(who_am_i(server.peer.id())).await.unwrap(), Some("alice".to_owned()));
}

#[actix_web::test]
async fn who_must_show_a_certificate_and_shows_none_or_a_forged_one_gets_no_session() {
    let authority = Authority::new("authority");
    let server = listening(&authority, Clients::MustShow(authority.roots()));
    let text = refused(endpoint(&server, authority.roots(), None)).await;
    assert!(text.contains("asks for a client certificate"), "{text}");
    // Of the same name, and by another key.
    let forger = Authority::new("authority");
    let text = refused(endpoint(&server, authority.roots(), Some(forger.client("alice")))).await;
    assert!(text.contains("does not take this peer's certificate"), "{text}");
    // A server's certificate is no client's.
    let servers_own = certificate(&authority.server("localhost"));
    let text = refused(endpoint(&server, authority.roots(), Some(servers_own))).await;
    assert!(text.contains("does not take this peer's certificate"), "{text}");
    assert!(server.peer.peers().is_empty());
}

#[actix_web::test]
async fn who_may_show_a_certificate_is_known_by_it_or_not_at_all() {
    let authority = Authority::new("authority");
    let server = listening(&authority, Clients::MayShow(authority.roots()));
    let bob = open().start();
    bob.connect(endpoint(&server, authority.roots(), Some(authority.client("bob")))).await.unwrap();
    assert_eq!(bob.run(who_am_i(server.peer.id())).await.unwrap(), Some("bob".to_owned()));
    let stranger = open().start();
    stranger.connect(endpoint(&server, authority.roots(), None)).await.unwrap();
    assert_eq!(stranger.run(who_am_i(server.peer.id())).await.unwrap(), None);
}

#[actix_web::test]
async fn authenticate_decides_about_a_certificate_when_there_is_one() {
    let authority = Authority::new("authority");
    let clients = Clients::MustShow(authority.roots());
    let config = tls::server(certificate(&authority.server("localhost")), clients).unwrap();
    let builder = open().authenticate(|upgrade: Upgrade| async move {
        let Some(certificate) = upgrade.certificate() else { return Ok(None) };
        let name = format!("the owner of {}", certificate.principal()?.subject());
        Ok(Some(Principal::new(name, Proof::Other)))
    });
    let server = Listening::start(builder, Some(config));
    let client = open().start();
    client.connect(endpoint(&server, authority.roots(), Some(authority.client("alice")))).await.unwrap();
    assert_eq!(client.run(who_am_i(server.peer.id())).await.unwrap().unwrap(), "the owner of alice");
}

#[actix_web::test]
async fn what_does_not_speak_tls_is_told_apart_from_what_is_not_there() {
    let plain = Listening::start(open(), None);
    let url = plain.url().replace("ws://", "wss://");
    let text = refused(Endpoint::new(url)).await;
    assert!(text.contains("does not speak TLS"), "{text}");
    let error = open().start().connect("wss://127.0.0.1:1/scope").await.unwrap_err();
    assert!(matches!(error, ConnectError::Unreachable { .. }), "{error:?}");
}

/// actix-web offers HTTP/2 by ALPN, whatever the configuration says. A peer that dials connects
/// all the same. A client that asks for a WebSocket over HTTP/2 receives an error that says what
/// it needs.
#[actix_web::test]
async fn http2_is_offered_and_does_not_hurt() {
    let authority = Authority::new("authority");
    let server = listening(&authority, Clients::Any);
    let mut config = tls::client(authority.roots(), None).unwrap();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let client = open().start();
    client.connect(Endpoint::new(server.url()).tls(config.clone())).await.unwrap();
    assert_eq!(client.run(who_am_i(server.peer.id())).await.unwrap(), None);

    let connector = awc::Connector::new().rustls_0_23(Arc::new(config));
    let http = awc::Client::builder().connector(connector).finish();
    let request = http.get(server.url().replace("wss://", "https://"));
    let request = request.insert_header((header::SEC_WEBSOCKET_KEY, "x3JJHMbDL1EzLkh9GBhXDw=="));
    let mut answer = request.send().await.unwrap();
    assert_eq!(answer.version(), Version::HTTP_2);
    assert_eq!(answer.status(), StatusCode::HTTP_VERSION_NOT_SUPPORTED);
    let text = String::from_utf8(answer.body().await.unwrap().to_vec()).unwrap();
    assert!(text.contains("needs HTTP/1.1") && !text.contains("proxy"), "{text}");
}

/// The message of an error says why a certificate is refused, not only its sources.
#[actix_web::test]
async fn refused_certificate_names_its_fault() {
    let authority = Authority::new("authority");
    let expired = |params: &mut rcgen::CertificateParams| params.not_after = rcgen::date_time_ymd(2020, 1, 1);
    let early = |params: &mut rcgen::CertificateParams| params.not_before = rcgen::date_time_ymd(2090, 1, 1);
    for (pair, expected) in [
        (authority.own(), "(CaUsedAsEndEntity)"),
        (authority.server("example.com"), r#"it is for "example.com", not for "localhost""#),
        (authority.server_with("localhost", expired), "has expired ("),
        (authority.server_with("localhost", early), "is not valid yet ("),
    ] {
        let config = tls::server(certificate(&pair), Clients::Any).unwrap();
        let server = Listening::start(open(), Some(config));
        let error = open().start().connect(endpoint(&server, authority.roots(), None)).await.unwrap_err();
        assert!(matches!(error, ConnectError::Tls { .. }), "{error:?}");
        assert!(error.to_string().contains(expected), "{error}");
    }
}

/// A client that takes a TLS server for a plain one, or another server for a TLS server, gets an
/// error that says which it is.
#[actix_web::test]
async fn wrong_scheme_is_told() {
    let authority = Authority::new("authority");
    let server = listening(&authority, Clients::Any);
    let url = server.url().replace("wss://", "ws://");
    let text = causes(&open().start().connect(url).await.unwrap_err());
    assert!(text.contains("`wss://`"), "{text}");

    // The banner that a server sends first. A server with an empty one closes when the client has
    // sent something.
    for (banner, expected) in [("SSH-2.0-OpenSSH_9.9\r\n", "an SSH server"), ("", "is it `ws://`?")] {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = actix_web::rt::task::spawn_blocking(move || {
            let (mut stream, _) = listener.accept().unwrap();
            stream.write_all(banner.as_bytes()).unwrap();
            // All of it, so that the end of the connection is no reset.
            let mut head = [0; 5];
            stream.read_exact(&mut head).unwrap();
            let mut hello = vec![0; usize::from(u16::from_be_bytes([head[3], head[4]]))];
            stream.read_exact(&mut hello).unwrap();
        });
        let endpoint = Endpoint::new(format!("WSS://localhost:{port}/scope"));
        let config = tls::client(authority.roots(), None).unwrap();
        let text = causes(&open().start().connect(endpoint.tls(config)).await.unwrap_err());
        assert!(text.contains(expected), "{text}");
        server.await.unwrap();
    }
}
