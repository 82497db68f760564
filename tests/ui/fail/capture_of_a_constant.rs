use distributed_scope::{PeerId, RemoteError, distributed, remote};

const MAX: u32 = 3;

#[distributed]
async fn ask(p: PeerId, a: u32) -> Result<u32, RemoteError> {
    remote!(p, [a, MAX], { a.min(MAX) }).await
}

fn main() {}
