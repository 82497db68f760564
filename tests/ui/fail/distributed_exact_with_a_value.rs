use distributed_scope::{PeerId, RemoteError, distributed, remote};

#[distributed(exact = true)]
async fn demo(p: PeerId, a: u32) -> Result<u32, RemoteError> {
    remote!(p, [a], { a }).await
}

fn main() {}
