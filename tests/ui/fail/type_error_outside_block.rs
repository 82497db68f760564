use distributed_scope::{PeerId, RemoteError, distributed, remote};

#[distributed]
async fn demo(p: PeerId, a: u32) -> Result<u32, RemoteError> {
    let b: String = remote!(p, [a], { a }).await?;
    Ok(b.len() as u32)
}

fn main() {}
