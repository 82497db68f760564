use distributed_scope::{PeerId, RemoteError, distributed, remote};

#[distributed]
async fn demo<T: Clone, const N: usize>(p: PeerId, a: [T; N]) -> Result<u32, RemoteError> {
    let _ = a.clone();
    remote!(p, [], { 1 }).await
}

fn main() {}
