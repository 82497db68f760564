use distributed_scope::{PeerId, RemoteError, distributed, remote};

#[distributed]
async fn demo(p: PeerId, a: u32) -> Result<u32, RemoteError> {
    let _ = remote!(p, [a], { a.to_string().parse()? }).await?;
    Ok(a)
}

fn main() {}
