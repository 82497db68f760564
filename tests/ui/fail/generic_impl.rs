use distributed_scope::{PeerId, RemoteError, distributed, remote};

struct Service<T>(T, PeerId);

#[distributed]
impl<T> Service<T> {
    async fn demo(&self) -> Result<u32, RemoteError> {
        remote!(self.1, [], { 1 }).await
    }
}

fn main() {}
