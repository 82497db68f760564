use distributed_scope::{PeerId, RemoteError, distributed, remote};

struct Inner;

#[distributed]
async fn demo(p: PeerId, a: u32) -> Result<usize, RemoteError> {
    let pairs = remote!(p, [a], { vec![(a, Inner)] }).await?;
    Ok(pairs.len())
}

fn main() {}
