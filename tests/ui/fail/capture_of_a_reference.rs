use distributed_scope::{PeerId, RemoteError, distributed, remote};

#[distributed]
async fn demo(p: PeerId) -> Result<usize, RemoteError> {
    let text = "x".to_owned();
    let text = text.as_str();
    remote!(p, [text], { text.len() }).await
}

fn main() {}
