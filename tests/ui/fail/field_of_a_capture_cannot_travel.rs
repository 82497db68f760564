use distributed_scope::{PeerId, RemoteError, distributed, remote};

struct Inner;

#[distributed]
async fn demo(p: PeerId, a: u32) -> Result<u32, RemoteError> {
    let pairs = vec![(a, Inner)];
    remote!(p, [pairs], { pairs.len() as u32 }).await
}

fn main() {}
