//! Attackers that are slow on purpose, so that the server keeps memory for them.

use std::io::{Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use distributed_scope::{Limits, PeerId, RemoteError, distributed, remote};
use distributed_scope_core::frame::{CallId, Frame};

use crate::frames::{Session, hello_of, invoke, us};
use crate::scripts;
use crate::support::{Listening, open};
use crate::wire::{Said, Wire};

#[expect(dead_code, reason = "called by hand")]
#[distributed]
async fn mebibyte(on: PeerId) -> Result<Vec<u8>, RemoteError> {
    remote!(on, [], { vec![1_u8; 1 << 20] }).await
}

#[distributed]
async fn half(on: PeerId, n: u64) -> Result<u64, RemoteError> {
    remote!(on, [n], { n / 2 }).await
}

/// A server with short time limits.
fn impatient() -> Listening {
    let limits = Limits::default()
        .with_handshake_timeout(Duration::from_millis(500))
        .with_write_timeout(Duration::from_millis(500))
        .with_idle_timeout(Duration::from_millis(500))
        .with_resume_window(Duration::from_millis(100));
    Listening::start(open().limits(limits))
}

/// Waits until this peer was connected and is disconnected again, while others are served.
async fn is_gone(server: &Listening, slow: PeerId) {
    server.peer.connected(slow).await;
    let honest = open().start();
    honest.connect(server.url()).await.unwrap();
    while server.peer.peers().contains(&slow) {
        assert_eq!(honest.run(half(server.peer.id(), 42)).await.unwrap(), 21);
    }
}

#[actix_web::test]
async fn a_peer_that_reads_a_byte_now_and_then_is_cut_off_with_what_waits_for_it() {
    let server = impatient();
    let (address, slow) = (server.address.clone(), PeerId::random());
    let is_over = Arc::new(AtomicBool::new(false));
    let stop = Arc::clone(&is_over);
    let mut session =
        actix_web::rt::task::spawn_blocking(move || Session::open(&address, &us(slow))).await.unwrap();
    let attacker = actix_web::rt::task::spawn_blocking(move || {
        // Far more than the sockets between the two hold.
        (0..64).for_each(|call| session.wire.send(&Frame::Invoke(invoke(call, "mebibyte#0"))));
        let mut stream = session.wire.into_stream();
        while !stop.load(Ordering::SeqCst) {
            // It is heard all the time.
            let _ = stream.write_all(&Wire::message_of(2, &Frame::Cancel(CallId(u64::MAX)).encode()));
            let _ = stream.read(&mut [0]);
            std::thread::sleep(Duration::from_millis(5));
        }
    });
    is_gone(&server, slow).await;
    is_over.store(true, Ordering::SeqCst);
    attacker.await.unwrap();
}

/// Sends these bytes one by one until the connection is closed.
fn trickle(wire: Wire, bytes: &[u8]) -> Wire {
    let mut stream = wire.into_stream();
    for byte in bytes {
        if stream.write_all(&[*byte]).is_err() {
            break;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Wire::from(stream)
}

#[actix_web::test]
async fn a_peer_that_sends_a_frame_byte_by_byte_is_silent() {
    let server = impatient();
    let (address, slow) = (server.address.clone(), PeerId::random());
    let session =
        actix_web::rt::task::spawn_blocking(move || Session::open(&address, &us(slow))).await.unwrap();
    let attacker = actix_web::rt::task::spawn_blocking(move || {
        trickle(session.wire, &Wire::message_of(2, &[4; 60_000])[..500]);
    });
    is_gone(&server, slow).await;
    attacker.await.unwrap();
}

#[actix_web::test]
async fn a_peer_that_sends_its_hello_byte_by_byte_is_late() {
    let server = impatient();
    let address = server.address.clone();
    let answer = actix_web::rt::task::spawn_blocking(move || {
        let (wire, invitation) = Wire::connect(&address);
        let hello = hello_of(&us(PeerId::random()), None, invitation);
        let mut wire = trickle(wire, &Wire::message_of(2, &hello));
        match wire.next() {
            Said::Frame(frame) => match *frame {
                Frame::Reject(reject) => scripts::reject(&reject),
                frame => panic!("it answered {frame:?}"),
            },
            Said::Close(code, reason) => scripts::close(code, &reason),
        }
    });
    assert_eq!(answer.await.unwrap(), "reject `Late`");
    assert!(server.peer.peers().is_empty());
}
