use distributed_scope::{PeerId, RemoteError, distributed, remote};

#[distributed]
async fn demo(p: PeerId, a: u32) -> Result<u32, RemoteError> {
    let mut b = a;
    remote!(p, [&a, &mut b], { a + b }).await
}

fn main() {}
