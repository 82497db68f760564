//! The hot path, for counting instructions under valgrind: `cargo xtask instructions`.
//!
//! `instructions CASE COUNT` repeats one operation that many times and does nothing else. The
//! difference of two counts is the cost of one operation, without start and end. Unlike time, the
//! figure does not depend on how busy a machine is.

use std::collections::HashMap;
use std::hint::black_box;
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use actix_web::{App, HttpServer};
use distributed_scope::{Blocks, Peer, PeerId, RemoteError, distributed, on_connect, remote};
use distributed_scope_core::__private::{Registrar, Registration, Slot, Source, inventory};
use distributed_scope_core::frame::{Framed, HEAD};
use distributed_scope_core::pending::Payload;
use distributed_scope_core::registry::{Arrived, Work};
use distributed_scope_core::session::{Effect, Session};
use distributed_scope_core::{
    Block, Codec, Deadline, Fingerprint, Limits, Moment, Registry, Request, Written, handshake,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

#[distributed]
async fn echo(on: PeerId, value: [u64; 4]) -> Result<[u64; 4], RemoteError> {
    remote!(on, [value], { value }).await
}

#[distributed]
async fn there_and_back(on: PeerId, home: PeerId, value: [u64; 4]) -> Result<[u64; 4], RemoteError> {
    remote!(on, [home, value], { echo(home, value).await? }).await
}

/// Does one thing so often.
type Case = fn(usize);

const VALUE: [u64; 4] = [1, u64::MAX, 1 << 40, 0x9E37_79B9_7F4A_7C15];

const CASES: &[(&str, Case)] = &[
    ("encode four numbers", |count| encode(count, &VALUE)),
    ("decode four numbers", |count| decode(count, &VALUE)),
    ("encode 1 MiB of bytes", |count| encode(count, &vec![7u8; 1 << 20])),
    ("decode 1 MiB of bytes", |count| decode(count, &vec![7u8; 1 << 20])),
    ("encode 1 MiB of floats", |count| encode(count, &vec![1.5f64; 1 << 17])),
    ("decode 1 MiB of floats", |count| decode(count, &vec![1.5f64; 1 << 17])),
    ("encode a map of texts", |count| encode(count, &texts())),
    ("decode a map of texts", |count| decode(count, &texts())),
    ("look a block up among 100", |count| look_up(count, 100)),
    ("look a block up among 10,000", |count| look_up(count, 10_000)),
    ("a call through two sessions", call_in_memory),
    ("a call to oneself", |count| on_actix(async move || to_oneself(count).await)),
    ("a hop over a socket", |count| on_actix(async move || hop(count).await)),
    ("a nested hop over a socket", |count| on_actix(async move || nested(count).await)),
    ("64 hops in flight", |count| on_actix(async move || in_flight(count).await)),
];

#[expect(clippy::print_stderr, reason = "it is a program for people and for xtask")]
fn main() -> ExitCode {
    // `cargo bench` puts `--bench` behind what it was given.
    let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    let (name, count) = (arguments.next(), arguments.next().and_then(|count| count.parse().ok()));
    match (name.as_deref().and_then(named), count) {
        (Some(case), Some(count)) => {
            case(count);
            ExitCode::SUCCESS
        }
        _ => {
            let names: Vec<_> = CASES.iter().map(|(name, _)| *name).collect();
            eprintln!(
                "instructions CASE COUNT, run by `cargo xtask instructions`; the cases:\n{}",
                names.join("\n")
            );
            // A plain `cargo bench` or `cargo test --benches` has nothing to count here.
            if name.is_none() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
    }
}

fn named(name: &str) -> Option<Case> {
    CASES.iter().find(|(case, _)| *case == name).map(|(_, case)| *case)
}

fn encode(count: usize, value: &impl Serialize) {
    for _ in 0..count {
        black_box(Codec::Bincode.encode(HEAD, black_box(value)).expect("it can be encoded"));
    }
}

fn decode<T: Serialize + DeserializeOwned>(count: usize, value: &T) {
    let bytes = Codec::Bincode.encode(0, value).expect("it can be encoded");
    for _ in 0..count {
        black_box(Codec::Bincode.decode::<T>(black_box(&bytes)).expect("it was encoded"));
    }
}

fn texts() -> HashMap<String, Vec<String>, std::hash::BuildHasherDefault<std::hash::DefaultHasher>> {
    // A hasher without a random seed, so that every run does the same.
    (0..100).map(|n| (format!("key {n}"), (0..10).map(|m| format!("value {n} {m}")).collect())).collect()
}

fn block() -> (&'static Block, Fingerprint) {
    let registry = Registry::of_process().expect("no two blocks of this program have one id");
    let block =
        registry.blocks().into_iter().find(|block| block.path.ends_with("echo#0")).expect("this file has it");
    (block, block.fingerprint())
}

/// The number of blocks that are added to this program's own.
static OTHERS: AtomicUsize = AtomicUsize::new(0);

fn register_others(registrar: &mut Registrar) {
    for number in 0..OTHERS.load(Ordering::Relaxed) {
        // A block lives as long as the program.
        let path: &'static str = Box::leak(format!("benches::other#{number}").into_boxed_str());
        let block = Box::leak(Box::new(Block::new(
            path,
            "benches",
            "benches/instructions.rs",
            1,
            &[],
            Source::exact(0),
        )));
        let slot = Slot::<(), ()>::new();
        slot.register(registrar, block, |()| (), |()| (), |()| (), |()| async { Ok(()) });
    }
}

inventory::submit! { Registration(register_others) }

fn look_up(count: usize, among: usize) {
    OTHERS.store(among, Ordering::Relaxed);
    let registry = Registry::of_process().expect("no two blocks of this program have one id");
    let (block, fingerprint) = block();
    for _ in 0..count {
        black_box(registry.find(black_box(block.id), fingerprint).expect("it is there"));
    }
}

/// Everything between the captures and the result but the socket and the tasks: encode, number,
/// frame, check, look up, decode, run, and all the way back.
fn call_in_memory(count: usize) {
    let limits = Limits::default();
    let them = handshake::introduction(PeerId::named("them"), &limits, 0);
    let mut caller = Session::<()>::dialled(limits.clone(), &them, Moment::default());
    let mut callee = Session::<()>::accepted(limits, &them, Moment::default());
    let registry = Registry::of_process().expect("no two blocks of this program have one id");
    let (block, _) = block();
    let now = Moment::after_origin(Duration::from_millis(1));
    let deadline = Deadline::at(now + Duration::from_secs(10));
    let codec = Codec::Bincode;
    for _ in 0..count {
        let captures = codec.encode(HEAD, black_box(&(VALUE,))).expect("numbers can be encoded");
        let to = PeerId::named("them");
        let frame = captures.into();
        let mut request = Request {
            to,
            block,
            frame,
            handles: distributed_scope_core::Handles::default(),
            codec,
            deadline,
            hop: 0,
            is_detached: false,
            fails_fast: false,
            is_bound: false,
        };
        caller.call(now, &mut request, ()).expect("a session that is open");
        drop(request);
        while let Some(frame) = caller.next_frame(|| now).map(Framed::into_bytes) {
            if let Some(Effect::Run(invoke, _)) = callee.receive(now, frame).expect("an honest frame") {
                let entry = registry.find(invoke.block, invoke.fingerprint).expect("it is there");
                let arrived = Arrived { codec, memory: 0, bytes: &invoke.captures };
                let started = entry.start(arrived, HEAD).expect("they were encoded");
                let Work::Here(mut body) = started.work else { panic!("it is a future") };
                let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
                let std::task::Poll::Ready(Ok(Written { codec, bytes, handles })) =
                    body.as_mut().poll(&mut cx)
                else {
                    panic!("the block does not wait");
                };
                callee.reply(invoke.call, Ok(Payload { codec, bytes: bytes.into(), handles }));
            }
        }
        while let Some(frame) = callee.next_frame(|| now).map(Framed::into_bytes) {
            if let Some(Effect::Complete((), ending)) = caller.receive(now, frame).expect("an honest frame") {
                let payload = ending.expect("a value");
                black_box(codec.decode::<[u64; 4]>(&payload.bytes).expect("it was encoded"));
            }
        }
    }
}

fn on_actix(run: impl AsyncFnOnce()) {
    actix_rt::System::new().block_on(run());
}

async fn to_oneself(count: usize) {
    let peer = Peer::builder(PeerId::named("peer")).expose(Blocks::all()).start();
    for _ in 0..count {
        black_box(peer.run(echo(peer.id(), black_box(VALUE))).await.expect("it answers"));
    }
}

/// Both ends in one thread, so that the order of events is nearly always the same.
async fn peers() -> (Peer, PeerId) {
    let server = Peer::builder(PeerId::named("server")).expose(Blocks::all()).start();
    let id = server.id();
    let http = HttpServer::new(move || App::new().service(server.service("/scope")))
        .on_connect(on_connect)
        .workers(1)
        .disable_signals()
        .bind(("127.0.0.1", 0))
        .expect("a free port");
    let address = http.addrs()[0];
    actix_rt::spawn(http.run());
    let client = Peer::builder(PeerId::named("client")).expose(Blocks::all()).start();
    client.connect(format!("ws://{address}/scope")).await.expect("the server was just started");
    (client, id)
}

async fn hop(count: usize) {
    let (client, server) = peers().await;
    for _ in 0..count {
        black_box(client.run(echo(server, black_box(VALUE))).await.expect("it answers"));
    }
}

async fn nested(count: usize) {
    let (client, server) = peers().await;
    for _ in 0..count {
        let call = there_and_back(server, client.id(), black_box(VALUE));
        black_box(client.run(call).await.expect("it answers"));
    }
}

async fn in_flight(count: usize) {
    let (client, server) = peers().await;
    for _ in 0..count {
        let calls = (0..64).map(|_| client.run(echo(server, black_box(VALUE))));
        black_box(futures_util::future::try_join_all(calls).await.expect("they answer"));
    }
}
