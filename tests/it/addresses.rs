//! A server with several addresses, some of which do not work: they race, at the first dial and at
//! each redial.

use std::error::Error;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use actix_web::rt::task::spawn_blocking;
use distributed_scope::{
    Builder, ConnectError, Endpoint, Limits, PeerId, RemoteError, distributed, here, remote,
};
use futures_util::join;
use tokio::sync::Notify;

use crate::raw_server::request;
use crate::support::{Listening, open};

/// A name that is never looked up, because the test gives its addresses.
const URL: &str = "ws://scope.example:9/scope";

/// A peer whose timeouts are too long for a test: only another address can help it.
fn patient() -> Builder {
    let minute = Duration::from_secs(60);
    let reconnect = Duration::from_millis(1);
    open().limits(
        Limits::default()
            .with_handshake_timeout(minute)
            .with_resume_window(minute)
            .with_reconnect_delay(reconnect),
    )
}

/// Accepts connections, as the kernel does for any listener, and sends nothing.
fn silent(host: &str) -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind((host, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// An address at which no server listens.
fn refused(host: &str) -> SocketAddr {
    silent(host).1
}

fn address(server: &Listening) -> SocketAddr {
    server.address.parse().unwrap()
}

/// If the first address is silent and the second one refuses, this costs neither the handshake nor
/// another token.
#[actix_web::test]
async fn dead_addresses_are_overtaken() {
    let server = Listening::start(open());
    let (_silent, first) = silent("127.0.0.2");
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    let endpoint = Endpoint::new(URL).addresses([first, refused("127.0.0.3"), address(&server)]).bearer_from(
        move || {
            counted.fetch_add(1, Ordering::Relaxed);
            std::future::ready(Ok::<_, std::convert::Infallible>("token".to_owned()))
        },
    );
    assert_eq!(patient().start().connect(endpoint).await.unwrap(), server.peer.id());
    assert_eq!(asked.load(Ordering::Relaxed), 1);
}

#[distributed]
async fn wait(on: PeerId) -> Result<u32, RemoteError> {
    remote!(on, [], {
        let [begun, open] = &*here::data::<[Notify; 2]>()?;
        begun.notify_one();
        open.notified().await;
        7
    })
    .await
}

/// A session whose address goes silent is resumed over another address of the same server, with
/// its open call.
#[actix_web::test]
async fn redial_leaves_silent_address() {
    let minute = Duration::from_secs(60);
    let gate = Arc::new([Notify::new(), Notify::new()]);
    let limits = Limits::default().with_resume_window(minute);
    let server = Listening::start(open().limits(limits).shared_data(Arc::clone(&gate)));
    let through = tokio::net::TcpListener::bind("127.0.0.2:0").await.unwrap();
    let first = through.local_addr().unwrap();
    let behind = address(&server);
    let (client, cut) = (patient().start(), Notify::new());
    let carry = async {
        let (mut from, _) = through.accept().await.unwrap();
        let mut to = tokio::net::TcpStream::connect(behind).await.unwrap();
        tokio::select! {
            _ = tokio::io::copy_bidirectional(&mut from, &mut to) => panic!("nobody else ends it"),
            () = cut.notified() => {}
        }
        // From here on, a client that connects to the first address receives nothing.
        drop((from, to));
        gate[1].notify_one();
    };
    let call = async {
        client.connect(Endpoint::new(URL).addresses([first, behind])).await.unwrap();
        let (value, ()) = join!(client.run(wait(server.peer.id())), async {
            gate[0].notified().await;
            cut.notify_one();
        });
        value
    };
    let (value, ()) = join!(call, carry);
    assert_eq!(value.unwrap(), 7);
}

/// If no address works, the error names each one and what it did.
#[actix_web::test]
async fn error_names_each_address() {
    let (_silent, second) = silent("127.0.0.2");
    let first = refused("127.0.0.3");
    let limits = Limits::default().with_handshake_timeout(Duration::from_secs(2));
    let client = open().limits(limits).start();
    let error = client.connect(Endpoint::new(URL).addresses([first, second])).await.unwrap_err();
    assert!(matches!(error, ConnectError::Unreachable { .. }), "{error:?}");
    let text = error.source().unwrap().to_string();
    assert!(text.contains(&format!("{first}: ")) && text.contains("refused"), "{text}");
    assert!(text.contains(&format!("{second}: took the connection and did not answer in time")), "{text}");
}

/// The server receives the host of the URL, whichever address is dialled.
#[actix_web::test]
async fn request_names_host_of_url() {
    let (listener, at) = silent("127.0.0.2");
    let head = spawn_blocking(move || request(&listener).1);
    let error = open().start().connect(Endpoint::new(URL).addresses([at])).await.unwrap_err();
    assert!(matches!(error, ConnectError::Unreachable { .. }), "{error:?}");
    let head = head.await.unwrap().to_ascii_lowercase();
    assert!(head.contains("host: scope.example:9\r\n"), "{head}");
}
