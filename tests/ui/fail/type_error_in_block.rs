use distributed_scope::{PeerId, RemoteError, distributed, remote};

#[distributed]
async fn demo(p: PeerId, a: u32) -> Result<u32, RemoteError> {
    remote!(p, [p, a], { remote!(p, [a], { let _b: u8 = a; a }).await? }).await
}

fn main() {}
