use distributed_scope::{PeerId, RemoteError, distributed, remote};

struct Service {
    peer: PeerId,
    n: u32,
}

#[distributed]
impl Service {
    async fn demo(&self) -> Result<u32, RemoteError> {
        remote!(self.peer, [], { self.n }).await
    }
}

fn main() {}
