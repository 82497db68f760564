//! Messages from other peers add a bounded number of lines to the log, whatever they are and
//! however many: at `debug`, too.

#![allow(clippy::unwrap_used, reason = "in a test, to panic is to fail")]

use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use distributed_scope::{
    BlockId, Denied, Fingerprint, Limits, PeerId, RemoteError, Upgrade, distributed, remote,
};
use distributed_scope_core::frame::{CallId, Catalogue, Chunk, Frame, Invoke, Mac, SessionEnd};
use distributed_scope_core::handshake;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};

use self::frames::{Session, invoke, us};
use self::raw::upgrade;
use self::support::{Listening, open};
use self::wire::Wire;

#[path = "hostile/frames.rs"]
#[allow(dead_code, reason = "some of it is for `tests/hostile`")]
mod frames;
#[path = "support/log.rs"]
#[allow(dead_code, reason = "some of it is for other tests")]
mod log;
#[path = "support/raw.rs"]
#[allow(dead_code, reason = "some of it is for other tests")]
mod raw;
#[path = "hostile/scripts.rs"]
#[allow(dead_code, reason = "some of it is for `tests/hostile`")]
mod scripts;
#[path = "support/peers.rs"]
#[allow(dead_code, reason = "some of it is for other tests")]
mod support;
#[path = "hostile/wire.rs"]
#[allow(dead_code, reason = "some of it is for `tests/hostile`")]
mod wire;

/// How many times each thing is sent.
const TIMES: u64 = 2_000;

/// More lines than this mean one line for each message.
const MOST: usize = 200;

static LINES: AtomicUsize = AtomicUsize::new(0);

/// The lines that a program sees which logs at `info`.
static LOUD: AtomicUsize = AtomicUsize::new(0);

/// The target of the lines that are logged for each call, for programs that enable it.
const CALLS: &str = "distributed_scope::calls";

/// Counts what is logged by this library.
struct Counter;

impl<S: tracing::Subscriber> Layer<S> for Counter {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        let target = event.metadata().target();
        if target.starts_with("distributed_scope") && target != CALLS {
            LINES.fetch_add(1, Ordering::Relaxed);
            let is_loud = *event.metadata().level() <= tracing::Level::INFO;
            LOUD.fetch_add(is_loud.into(), Ordering::Relaxed);
        }
    }
}

#[expect(dead_code, reason = "called by hand")]
#[distributed]
async fn panics(on: PeerId) -> Result<(), RemoteError> {
    remote!(on, [], { panic!("as the caller wanted") }).await
}

#[expect(dead_code, reason = "called by hand")]
#[distributed(require = authenticated)]
async fn forbidden(on: PeerId) -> Result<(), RemoteError> {
    remote!(on, [], {}).await
}

/// The frames of one kind, of which this is one.
type Make = fn(u64) -> Frame;

const FLOODS: [(&str, Make); 11] = [
    ("calls of what is not there", |number| {
        Frame::Invoke(Invoke { block: BlockId::of_path("no"), ..invoke(number, "panics#0") })
    }),
    ("calls that are refused", |number| Frame::Invoke(invoke(number, "forbidden#0"))),
    ("calls too deep", |number| Frame::Invoke(Invoke { hop: 99, ..invoke(number, "panics#0") })),
    ("calls that panic", |number| Frame::Invoke(invoke(number, "panics#0"))),
    ("cancelled calls", |number| Frame::Cancel(CallId(number))),
    ("acknowledgements", |_| Frame::Ack(0)),
    ("pings", |_| Frame::Ping),
    ("abandoned messages", |_| Frame::Chunk(Chunk { stream: 1, total: 70_000, bytes: Bytes::new() })),
    ("catalogues", |_| Frame::Catalogue(Catalogue { is_last: false, blocks: Vec::new() })),
    ("whole catalogues", |number| {
        Frame::Catalogue(Catalogue {
            is_last: true,
            blocks: vec![(BlockId::of_path("no"), fingerprint(number))],
        })
    }),
    ("good-byes", |_| Frame::GoAway),
];

/// Any.
fn fingerprint(_: u64) -> Fingerprint {
    distributed_scope_core::Registry::of_process().unwrap().blocks()[0].fingerprint()
}

/// Sends this many of a kind, and waits until the server has read them or closed.
fn flood(address: &str, make: Make) {
    let mut session = Session::open(address, &us(PeerId::random()));
    for number in 0..TIMES {
        session.wire.send(&make(number));
    }
    session.wire.send_as(2, &handshake::end(session.ticket.session, &session.ticket.token, ""));
    session.wire.until_closed();
}

/// How many of these lines came meanwhile.
fn count(lines: &AtomicUsize, during: impl FnOnce()) -> usize {
    let before = lines.load(Ordering::Relaxed);
    during();
    lines.load(Ordering::Relaxed) - before
}

#[actix_web::test]
async fn no_line_for_each_frame() {
    tracing::subscriber::set_global_default(tracing_subscriber::registry().with(Counter)).unwrap();
    // What is printed by the panic hook is the program's.
    std::panic::set_hook(Box::new(|_| ()));
    // As fast as they can.
    let limits =
        Limits::default().with_max_sessions_per_address(100_000).with_max_handshakes_per_second(u32::MAX);
    let server = Listening::start(open().limits(limits.clone()));
    let closed = Listening::start(
        open().limits(limits).authenticate(async |_: Upgrade| Err(Denied::forbidden("nobody"))),
    );
    let (address, closed) = (server.address.clone(), closed.address.clone());
    let id = server.peer.id();
    let found = actix_web::rt::task::spawn_blocking(move || {
        let mut found: Vec<_> =
            FLOODS.into_iter().map(|(what, make)| (what, count(&LINES, || flood(&address, make)))).collect();
        found.push((
            "ends without a proof",
            count(&LINES, || {
                let mut session = Session::open(&address, &us(PeerId::random()));
                let end = SessionEnd { mac: Mac([0; 32]), reason: "over".to_owned() };
                (0..TIMES).for_each(|_| session.wire.send(&Frame::End(end.clone())));
                session.wire.until_closed();
            }),
        ));
        // What is one for each connection is logged at `debug`.
        found.push((
            "connections that break the protocol",
            count(&LOUD, || {
                for _ in 0..TIMES / 4 {
                    let (mut wire, _) = Wire::connect(&address);
                    wire.send(&Frame::GoAway);
                    wire.until_closed();
                }
            }),
        ));
        found.push(("connections that want an id in use", count(&LOUD, || want_id_in_use(&address, id))));
        found.push((
            "requests that are turned away",
            count(&LOUD, || {
                for _ in 0..TIMES / 4 {
                    assert_eq!(upgrade(&closed, "distributed-scope.v1", &[]).status, 403);
                }
            }),
        ));
        found
    });
    let found = found.await.unwrap();
    drop(std::panic::take_hook());
    assert!(found.iter().all(|(_, lines)| *lines < MOST), "{found:#?}");
    assert!(LINES.load(Ordering::Relaxed) > 20, "they are counted");
}

fn want_id_in_use(address: &str, id: PeerId) {
    for _ in 0..TIMES / 4 {
        let (mut wire, invitation) = Wire::connect(address);
        wire.send_as(2, &frames::hello_of(&us(id), None, invitation));
        wire.until_closed();
    }
}
