use distributed_scope::{PeerId, RemoteError, distributed, remote};

#[distributed]
async fn demo(p: PeerId) -> Result<u32, RemoteError> {
    async fn inner(p: PeerId) -> Result<u32, RemoteError> {
        remote!(p, [], { 1 }).await
    }
    inner(p).await
}

fn main() {}
