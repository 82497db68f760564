//! What `#[distributed]` registers: blocks with their paths, lines and captures, and their bodies.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use distributed_scope::{Blocks, Codec, PeerId, RemoteError, distributed, remote};
use distributed_scope_core::registry::{Arrived, Work};
use distributed_scope_core::{Registry, Written};

#[distributed]
async fn sum(p: PeerId, a: u32, text: String) -> Result<u64, RemoteError> {
    let doubled = remote!(p, [a, text], { u64::from(a) * 2 + text.len() as u64 }).await?;
    remote!(p, [n = doubled], { n + 1 }).await
}

struct Service;

#[distributed(require = claim("role", "admin"))]
impl Service {
    async fn search(&self, p: PeerId) -> Result<(), RemoteError> {
        remote!(p, [], {}).await
    }
}

fn registry() -> &'static Registry {
    Registry::of_process().expect("no two blocks have one id")
}

#[test]
fn each_block_is_registered_with_its_path_its_line_and_its_captures() {
    let blocks = registry().blocks();
    let told: Vec<_> = blocks.iter().map(|b| (b.path, b.line, b.captures)).collect();
    assert_eq!(
        told,
        [
            ("blocks::Service::search#0", 21, [].as_slice()),
            ("blocks::sum#0", 12, &["a", "text"]),
            ("blocks::sum#1", 13, &["n"]),
        ]
    );
    assert!(blocks.iter().all(|b| b.file.ends_with("blocks.rs") && b.module == "blocks"));
}

#[test]
fn a_registered_body_runs_with_the_captures_of_a_call() {
    let block = registry().blocks().into_iter().find(|b| b.path == "blocks::sum#0").expect("it is there");
    let entry = registry().find(block.id, block.fingerprint()).expect("it is this version");
    let codec = Codec::default();
    let captures = codec.encode(0, &(20_u32, "ab".to_owned())).expect("it can be written");
    let arrived = Arrived { codec, memory: 0, bytes: &captures };
    let Work::Here(body) = entry.start(arrived, 0).expect("it can be read").work else {
        panic!("it is a future");
    };
    let Poll::Ready(Ok(Written { codec, bytes: result, .. })) =
        pin!(body).as_mut().poll(&mut Context::from_waker(Waker::noop()))
    else {
        panic!("the body waits for nothing");
    };
    assert_eq!(codec.decode::<u64>(&result).expect("it can be read"), 42);
}

#[test]
fn the_listing_says_whom_a_block_runs_for() {
    let listing = registry().list(&Blocks::named("blocks::sum#1")).to_string();
    let line = |path: &str| listing.lines().find(|line| line.starts_with(path)).expect("it is there");
    assert!(line("blocks::Service::search#0").ends_with("the claim role = admin  no"), "{listing}");
    assert!(line("blocks::sum#1").ends_with("anybody                 yes"), "{listing}");
}

#[test]
fn the_functions_remain_functions() {
    let p = PeerId::named("p");
    drop((sum(p, 1, String::new()), Service.search(p)));
}
