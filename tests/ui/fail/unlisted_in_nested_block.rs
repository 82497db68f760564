use distributed_scope::{PeerId, RemoteError, distributed, remote};

#[distributed]
async fn demo(p: PeerId, a: u32) -> Result<u32, RemoteError> {
    let b = 1;
    remote!(p, [p, a], { remote!(p, [a], { a + b }).await? }).await
}

fn main() {}
