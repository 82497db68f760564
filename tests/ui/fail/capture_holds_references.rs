use distributed_scope::{PeerId, RemoteError, distributed, remote};

#[distributed]
async fn demo(p: PeerId, texts: Vec<&str>) -> Result<usize, RemoteError> {
    remote!(p, [texts], { texts.len() }).await
}

fn main() {}
