use distributed_scope::{PeerId, RemoteError, distributed, remote};

#[distributed]
trait Ask {
    async fn ask(&self, p: PeerId) -> Result<u32, RemoteError> {
        remote!(p, [], { 1 }).await
    }
}

fn main() {}
