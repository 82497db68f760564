use distributed_scope::{PeerId, RemoteError, distributed, remote};

trait Demo {
    async fn demo(&self) -> Result<u32, RemoteError>;
}

struct Service(PeerId);

#[distributed]
impl Demo for Service {
    async fn demo(&self) -> Result<u32, RemoteError> {
        remote!(self.0, [], { 1 }).await
    }
}

fn main() {}
