use distributed_scope::{PeerId, RemoteError, distributed, remote};

#[distributed]
async fn demo(p: PeerId) -> Result<usize, RemoteError> {
    let list = Vec::new();
    remote!(p, [list], { list.len() }).await
}

fn main() {}
