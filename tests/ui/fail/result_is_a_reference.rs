use distributed_scope::{PeerId, RemoteError, distributed, remote};

#[distributed]
async fn demo(p: PeerId, a: u32) -> Result<&'static str, RemoteError> {
    remote!(p, [a], { if a > 1 { "x" } else { "y" } }).await
}

fn main() {}
