//! Servers at a URL that are not peers: each kind has its own error text, with the fix.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::Duration;

use actix_web::rt::task::spawn_blocking;
use distributed_scope::{ConnectError, Endpoint, Limits};

use crate::raw_server::request;
use crate::support::{Listening, open};

/// The error of a client whose request is answered with these bytes. The connection is open until
/// the client closes it, or closed at once if `ends`.
async fn answered(bytes: Vec<u8>, ends: bool) -> ConnectError {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}/scope", listener.local_addr().unwrap());
    let server = spawn_blocking(move || {
        let (mut stream, _) = request(&listener);
        stream.write_all(&bytes).unwrap();
        if !ends {
            let _ = stream.read_to_end(&mut Vec::new());
        }
    });
    // The answer is what ends it, and no clock.
    let limits = Limits::default().with_handshake_timeout(Duration::from_secs(60));
    let error = open().limits(limits).start().connect(Endpoint::new(url)).await.unwrap_err();
    server.await.unwrap();
    error
}

fn http(status: &str, headers: &str, text: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n{headers}\r\n{text}", text.len()).into()
}

/// Each status has a text of its own, and what the server says is quoted.
#[actix_web::test]
async fn status_is_explained_and_text_quoted() {
    for (status, expected) in [
        ("400 Bad Request", "`Upgrade` and `Connection`"),
        ("404 Not Found", "`peer.service(..)`"),
        ("426 Upgrade Required", "it saw no request to upgrade"),
        ("431 Request Header Fields Too Large", "is the token too long?"),
        ("502 Bad Gateway", "is the server running?"),
        ("200 OK", "`peer.service(..)`"),
    ] {
        let error = answered(http(status, "", "all\nwe say"), false).await;
        let code: u16 = status[..3].parse().unwrap();
        assert!(matches!(&error, ConnectError::NotAPeer { status, .. } if *status == code), "{error:?}");
        let text = error.to_string();
        assert!(text.contains(expected) && text.contains(&format!("HTTP {code}")), "{text}");
        assert!(text.ends_with(r#"; it says "all\nwe say""#), "{text}");
    }
}

/// A redirect is not followed; its target is shown as a URL to connect to, without what may be
/// secret in it.
#[actix_web::test]
async fn redirect_names_its_target() {
    for status in [301, 302, 307, 308] {
        let location = "Location: https://ann:secret@example.com/scope/?token=secret\r\n";
        let error = answered(http(&format!("{status} Elsewhere"), location, ""), false).await;
        let text = error.to_string();
        assert!(text.contains(&format!(r#""wss://example.com/scope/" (HTTP {status})"#)), "{text}");
        assert!(!text.contains("secret"), "{text}");
    }
    let error = answered(http("301 Elsewhere", "Location: /scope/\r\n", ""), false).await;
    assert!(error.to_string().contains(r#"redirects to "/scope/""#), "{error}");
    let error = answered(http("301 Elsewhere", "", ""), false).await;
    assert!(error.to_string().contains("HTTP 301"), "{error}");
}

/// A refusal without a text, one whose text does not end, and a long one are all understood.
#[actix_web::test]
async fn refusal_is_read_whatever_its_text() {
    let denied = |error: ConnectError| match error {
        ConnectError::Denied { status, reason, .. } => (status, reason),
        other => panic!("{other:?}"),
    };
    assert_eq!(denied(answered(http("401 Unauthorized", "", ""), false).await), (401, String::new()));
    let endless = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 100\r\n\r\nnot you".to_vec();
    assert_eq!(denied(answered(endless, false).await), (403, "not you".to_owned()));
    let long = http("503 Service Unavailable", "", &"é".repeat(1000));
    assert_eq!(denied(answered(long, false).await), (503, "é".repeat(512)));
}

/// A server that does not speak HTTP is recognized by what it sends.
#[actix_web::test]
async fn other_protocols_are_recognized() {
    let tls_alert = vec![21, 3, 3, 0, 2, 2, 70];
    for (bytes, expected) in [
        (b"SSH-2.0-OpenSSH_9.9\r\n".to_vec(), r#"an SSH server, it says "SSH-2.0-OpenSSH_9.9""#),
        (b"220 mail.example.com ESMTP\r\n".to_vec(), "220 mail.example.com ESMTP"),
        (tls_alert, "it speaks TLS; is it `wss://`?"),
    ] {
        let error = answered(bytes, false).await;
        assert!(matches!(error, ConnectError::NotHttp { .. }), "{error:?}");
        assert!(error.to_string().contains(expected), "{error}");
    }
    let error = answered(Vec::new(), true).await;
    let ConnectError::Unreachable { source, .. } = &error else { panic!("{error:?}") };
    assert!(source.to_string().contains("`wss://`"), "{source}");
}

/// An answer that upgrades to something else than a WebSocket is no peer.
#[actix_web::test]
async fn upgrade_to_something_else_is_no_peer() {
    let bytes = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\n".to_vec();
    let error = answered(bytes, false).await;
    assert!(matches!(error, ConnectError::NotAPeer { status: 101, .. }), "{error:?}");
}

/// The scheme of a URL may be written in either case.
#[actix_web::test]
async fn scheme_may_be_upper_case() {
    let server = Listening::start(open());
    for scheme in ["WS", "Ws"] {
        let client = open().start();
        let url = server.url().replace("ws://", &format!("{scheme}://"));
        assert_eq!(client.connect(url).await.unwrap(), server.peer.id());
    }
}
