use distributed_scope::{PeerId, RemoteError, distributed, remote};

#[distributed]
async fn demo(p: PeerId, a: u32) -> Result<u32, RemoteError> {
    let b = (a, a);
    remote!(p, [(a, c) = b, _, Some(d)], { a + c + d }).await
}

fn main() {}
