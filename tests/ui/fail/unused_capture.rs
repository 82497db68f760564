#![deny(unused_variables)]

use distributed_scope::{PeerId, RemoteError, distributed, remote};

#[distributed]
async fn demo(p: PeerId, a: u32, b: u32) -> Result<u32, RemoteError> {
    remote!(p, [p, a, b], { remote!(p, [a], { 1 }).await? + a }).await
}

fn main() {}
