use distributed_scope::{PeerId, RemoteError, distributed, remote};

#[distributed]
async fn ask(p: PeerId, a: u32) -> Result<u32, RemoteError> {
    remote!(p, [a], -> u32 { a + 1 }).await
}

fn main() {}
