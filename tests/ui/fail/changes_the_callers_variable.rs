use distributed_scope::{PeerId, RemoteError, distributed, remote};

#[distributed]
async fn demo(p: PeerId, a: u32) -> Result<u32, RemoteError> {
    let mut n = a;
    remote!(p, [n], { n += 1 }).await?;
    Ok(n)
}

fn main() {}
