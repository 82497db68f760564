use distributed_scope::{PeerId, RemoteError, distributed, remote};

#[distributed]
async fn demo(p: PeerId, a: u32) -> Result<u32, RemoteError> {
    let n: u32 = remote!(p, [a], { a });
    Ok(n + 1)
}

fn main() {}
