use distributed_scope::{PeerId, RemoteError, distributed, remote as far};

#[distributed]
async fn ask(p: PeerId, a: u32) -> Result<u32, RemoteError> {
    far!(p, [a], { a + 1 }).await
}

fn main() {}
