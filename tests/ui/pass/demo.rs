#![deny(warnings)]

use distributed_scope::{PeerId, RemoteError, distributed, remote};

#[distributed]
pub async fn demo(server: PeerId, client: PeerId) -> Result<(Vec<u32>, usize), RemoteError> {
    remote!(server, [client, server], {
        let a = 42;
        let b = remote!(client, [a], { vec![42; a + 1] }).await?; // hop to the client with `a`
        remote!(server, [a, b], {
            // and back with `a` and `b`
            let c = a + 2;
            (b, c)
        })
        .await?
    })
    .await
}

fn main() {
    let _ = demo;
}
