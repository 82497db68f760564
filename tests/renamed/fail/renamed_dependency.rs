use scope::{PeerId, RemoteError, distributed, remote};

#[distributed]
async fn demo(p: PeerId, a: u32) -> Result<u32, RemoteError> {
    remote!(p, [a], { a + 1 }).await
}

struct Service;

#[distributed]
impl Service {
    async fn demo(&self, p: PeerId, a: u32) -> Result<u32, RemoteError> {
        remote!(p, [a], { a + 1 }).await
    }
}

fn main() {}
