use distributed_scope::{PeerId, RemoteError, distributed, remote};

#[distributed]
async fn demo(p: PeerId, a: u32) -> Result<u32, RemoteError> {
    remote!(p, [1, a + 1], { 1 }).await
}

fn main() {}
