use distributed_scope::{PeerId, RemoteError, distributed, remote};

struct Service {
    peer: PeerId,
}

impl std::fmt::Display for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a service")
    }
}

#[distributed]
impl Service {
    async fn demo(&self) -> Result<String, RemoteError> {
        remote!(self.peer, [], { format!("{self} over there") }).await
    }
}

fn main() {}
