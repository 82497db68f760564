use distributed_scope::{PeerId, RemoteError, distributed, remote};

struct Service {
    peer: PeerId,
}

impl Service {
    #[distributed]
    async fn demo(&self, a: u32) -> Result<u32, RemoteError> {
        remote!(self.peer, [a], { a }).await
    }

    #[distributed]
    async fn associated(p: PeerId, a: u32) -> Result<u32, RemoteError> {
        remote!(p, [a], { Self::double(a) }).await
    }

    fn double(a: u32) -> u32 {
        a * 2
    }
}

fn main() {}
