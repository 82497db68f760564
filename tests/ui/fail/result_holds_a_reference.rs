use distributed_scope::{PeerId, RemoteError, distributed, remote};

#[distributed]
async fn demo(p: PeerId, a: u32) -> Result<usize, RemoteError> {
    let text = remote!(p, [a], { if a > 1 { Some("x") } else { None } }).await?;
    Ok(text.map_or(0, str::len))
}

fn main() {}
