use distributed_scope::{PeerId, RemoteError, distributed, remote};

#[distributed]
async fn demo(p: PeerId, a: u32) -> Result<u32, RemoteError> {
    remote!(p, [p, a], { remote!(p, [a], { a + 1u8 }).await? }).await
}

fn main() {}
