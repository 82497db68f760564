use distributed_scope::{PeerId, RemoteError, distributed, remote};

#[distributed]
async fn ask(p: PeerId, home: PeerId, a: u32) -> Result<u32, RemoteError> {
    remote!(p, [a, home], #[block(blocking)] {
        let b = remote!(home, [], { 1 }).await?;
        a + b
    })
    .await
}

fn main() {}
