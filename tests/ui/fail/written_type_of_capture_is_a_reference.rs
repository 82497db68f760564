use distributed_scope::{PeerId, RemoteError, distributed, remote};

#[distributed]
async fn demo(p: PeerId, a: &str) -> Result<usize, RemoteError> {
    remote!(p, [a: &str], { a.len() }).await
}

fn main() {}
