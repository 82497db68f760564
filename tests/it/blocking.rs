//! Blocks on the blocking pool: `#[block(blocking)]`.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use distributed_scope::{
    ErrorKind, Limits, Peer, PeerId, Ran, Refusal, RemoteError, distributed, here, remote,
};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use crate::support::{Listening, open};

/// Where a block waits, holding its thread, until a test opens it.
struct Gate {
    begun: Notify,
    is_opened: Mutex<Receiver<()>>,
    has_ended: AtomicBool,
}

impl Gate {
    fn new() -> (Arc<Self>, Sender<()>) {
        let (open, is_opened) = channel();
        let gate = Self {
            begun: Notify::new(),
            is_opened: Mutex::new(is_opened),
            has_ended: AtomicBool::new(false),
        };
        (Arc::new(gate), open)
    }

    fn pass(&self) {
        self.begun.notify_one();
        self.is_opened.lock().unwrap().recv().unwrap();
        self.has_ended.store(true, Ordering::SeqCst);
    }
}

async fn connected(server: &Listening) -> Peer {
    let client = open().start();
    client.connect(server.url()).await.unwrap();
    client
}

/// Drops a call. What is called on the same session after this finds it cancelled.
async fn give_up<T>(call: JoinHandle<T>) {
    call.abort();
    // A task that is aborted drops its future a little later.
    drop(call.await);
}

#[distributed]
async fn passes(on: PeerId, bytes: Vec<u8>) -> Result<usize, RemoteError> {
    remote!(
        on,
        [bytes],
        #[block(blocking)]
        {
            here::data::<Gate>()?.pass();
            bytes.len()
        }
    )
    .without_timeout()
    .await
}

#[distributed]
async fn answers(on: PeerId) -> Result<u32, RemoteError> {
    remote!(on, [], { 7 }).await
}

/// A blocking block holds its own thread, and another call of the same session is answered
/// meanwhile.
#[actix_web::test]
async fn session_goes_on_beside_blocking_block() {
    let (gate, open_gate) = Gate::new();
    let server = Listening::start(open().shared_data(Arc::clone(&gate)));
    let client = connected(&server).await;
    let on = server.peer.id();
    let passing = actix_web::rt::spawn(client.run(passes(on, vec![0; 10])));
    gate.begun.notified().await;
    assert_eq!(client.run(answers(on)).await.unwrap(), 7);
    assert!(!gate.has_ended.load(Ordering::SeqCst));
    open_gate.send(()).unwrap();
    assert_eq!(passing.await.unwrap().unwrap(), 10);
}

/// A peer that calls itself does not hold its thread either.
#[actix_web::test]
async fn own_blocking_block_leaves_the_thread_free() {
    let (gate, open_gate) = Gate::new();
    let peer = open().shared_data(Arc::clone(&gate)).start();
    let passing = actix_web::rt::spawn(peer.run(passes(peer.id(), vec![0; 10])));
    gate.begun.notified().await;
    open_gate.send(()).unwrap();
    assert_eq!(passing.await.unwrap().unwrap(), 10);
}

type Seen = (PeerId, PeerId, bool, u32);

#[distributed]
async fn looks_around(on: PeerId, n: u32) -> Result<Seen, RemoteError> {
    let session = remote!(on, [], { format!("{:?}", thread::current().id()) }).await?;
    remote!(
        on,
        [session, n],
        #[block(blocking)]
        {
            let is_elsewhere = session != format!("{:?}", thread::current().id());
            let factor = *here::data::<u32>()?;
            here::deadline().ok_or("no deadline")?;
            (here::peer(), here::caller(), is_elsewhere, n * factor)
        }
    )
    .await
}

/// `here` is that of the block, on whatever thread it runs.
#[actix_web::test]
async fn blocking_block_has_its_context() {
    let server = Listening::start(open().data(6_u32));
    let client = connected(&server).await;
    let on = server.peer.id();
    assert_eq!(client.run(looks_around(on, 7)).await.unwrap(), (on, client.id(), true, 42));
}

#[distributed]
async fn fails(on: PeerId, how: String) -> Result<(), RemoteError> {
    remote!(
        on,
        [how],
        #[block(blocking)]
        {
            assert_ne!(how, "panic", "as it was told to");
            how.parse::<u8>()?;
            Err("no")?;
        }
    )
    .await
}

/// How a blocking block fails is typed like the failure of any other.
#[actix_web::test]
async fn failures_of_blocking_block_are_typed() {
    let server = Listening::start(open());
    let client = connected(&server).await;
    for peer in [&server.peer, &client] {
        let panicked = peer.run(fails(server.peer.id(), "panic".into())).await.unwrap_err();
        assert_eq!((panicked.kind(), panicked.ran()), (&ErrorKind::Panicked, Ran::Yes));
        for how in ["word", "8"] {
            let raised = peer.run(fails(server.peer.id(), how.into())).await.unwrap_err();
            assert_eq!(raised.kind(), &ErrorKind::Raised);
        }
    }
}

#[distributed]
async fn waits_for_drain(on: PeerId) -> Result<(), RemoteError> {
    remote!(
        on,
        [],
        #[block(blocking)]
        {
            let gate = here::data::<Gate>()?;
            gate.begun.notify_one();
            while !here::is_draining() {
                thread::sleep(Duration::from_millis(1));
            }
            gate.has_ended.store(true, Ordering::SeqCst);
        }
    )
    .without_timeout()
    .await
}

/// A peer that drains waits for a blocking block, also when its call was dropped.
#[actix_web::test]
async fn drain_waits_for_blocking_block() {
    for is_dropped in [false, true] {
        let (gate, _open) = Gate::new();
        let server = Listening::start(open().shared_data(Arc::clone(&gate)));
        let client = connected(&server).await;
        let on = server.peer.id();
        let call = actix_web::rt::spawn(client.run(waits_for_drain(on)));
        gate.begun.notified().await;
        let call = if is_dropped {
            give_up(call).await;
            client.run(answers(on)).await.unwrap();
            None
        } else {
            Some(call)
        };
        server.peer.drain(Duration::from_secs(600)).await;
        assert!(gate.has_ended.load(Ordering::SeqCst));
        if let Some(call) = call {
            call.await.unwrap().unwrap();
        }
    }
}

/// A blocking block whose call was dropped continues. It counts as running, and its memory as
/// held, until it ends.
#[actix_web::test]
async fn dropped_blocking_block_counts_until_it_ends() {
    const SIZE: usize = 200_000;
    let (gate, open_gate) = Gate::new();
    let limits = Limits::default().with_max_calls_served(1);
    let server = Listening::start(open().limits(limits).shared_data(Arc::clone(&gate)));
    let client = connected(&server).await;
    let on = server.peer.id();
    let call = actix_web::rt::spawn(client.run(passes(on, vec![0; SIZE])));
    gate.begun.notified().await;
    assert!(server.peer.held() >= SIZE);
    give_up(call).await;
    let refused = client.run(answers(on)).await.unwrap_err();
    assert_eq!(refused.kind(), &ErrorKind::Refused(Refusal::Overloaded(1)));
    assert!(server.peer.held() >= SIZE);
    assert!(!gate.has_ended.load(Ordering::SeqCst));
    open_gate.send(()).unwrap();
    // No event tells the caller that the block has ended. The timeout of the test run is the only
    // bound.
    while client.run(answers(on)).await.is_err() {
        actix_web::rt::task::yield_now().await;
    }
    assert!(gate.has_ended.load(Ordering::SeqCst));
    while server.peer.held() >= SIZE {
        actix_web::rt::task::yield_now().await;
    }
}

#[distributed]
async fn passes_soon(on: PeerId) -> Result<usize, RemoteError> {
    remote!(
        on,
        [],
        #[block(blocking)]
        {
            here::data::<Gate>()?.pass();
            0
        }
    )
    .timeout(Duration::from_millis(100))
    .await
}

/// A system whose blocking pool has one thread, so that a second block has to wait.
fn with_one_blocking_thread(test: impl Future<Output = ()>) {
    let runtime = || {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        runtime.enable_all().max_blocking_threads(1).build().unwrap()
    };
    actix_web::rt::System::with_tokio_rt(runtime).block_on(test);
}

/// A blocking block whose call ends while it waits for a thread does not begin: dropped or late,
/// called by the peer itself or by another.
#[test]
fn blocking_block_that_waits_too_long_does_not_begin() {
    with_one_blocking_thread(async {
        let (gate, open_gate) = Gate::new();
        let server = Listening::start(open());
        let client = open().shared_data(Arc::clone(&gate)).start();
        client.connect(format!("ws://{}/scope", server.address)).await.unwrap();
        let on = client.id();
        let first = actix_web::rt::spawn(client.run(passes(on, Vec::new())));
        gate.begun.notified().await;
        for peer in [&client, &server.peer] {
            let late = peer.run(passes_soon(on)).await.unwrap_err();
            assert_eq!(late.kind(), &ErrorKind::DeadlineExceeded);
            let dropped = actix_web::rt::spawn(peer.run(passes(on, Vec::new())));
            peer.run(answers(on)).await.unwrap();
            give_up(dropped).await;
            peer.run(answers(on)).await.unwrap();
        }
        open_gate.send(()).unwrap();
        first.await.unwrap().unwrap();
        // The pool is empty when what comes last has ended.
        let last = actix_web::rt::spawn(client.run(passes(on, Vec::new())));
        open_gate.send(()).unwrap();
        assert_eq!(last.await.unwrap().unwrap(), 0);
        drop(open_gate);
    });
}
