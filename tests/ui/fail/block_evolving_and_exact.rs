use distributed_scope::{PeerId, RemoteError, distributed, remote};

#[distributed]
async fn demo(p: PeerId, a: u32) -> Result<u32, RemoteError> {
    remote!(p, [a], #[block(exact, evolving)] { a }).await
}

fn main() {}
