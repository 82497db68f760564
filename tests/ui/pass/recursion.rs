#![deny(warnings)]

use distributed_scope::{PeerId, RemoteError, distributed, remote};

#[distributed]
async fn fib(server: PeerId, n: u32) -> Result<u64, RemoteError> {
    if n < 2 {
        return Ok(n.into());
    }
    remote!(server, [server, n], { fib(server, n - 1).await? + fib(server, n - 2).await? }).await
}

fn main() {
    let _ = fib;
}
