#![deny(warnings)]

use distributed_scope::{PeerId, RemoteError, distributed, remote};

#[distributed]
async fn blocks(p: PeerId, a: u32) -> Result<u32, RemoteError> {
    let a = remote!(p, [a], #[block(exact)] { a + 1 }).await?;
    let a = remote!(p, [a], #[block(name = "grows", evolving)] { a + 1 }).await?;
    let a = remote!(p, [a], #[block(evolving)] #[block(name = "grows, too")] { a + 1 }).await?;
    remote!(p, [a] -> u32, #[cfg(any())] #[block(exact, require = anybody)] { a + missing_crate::one() }).await
}

#[distributed(exact, require = anybody)]
async fn exact(p: PeerId, a: u32) -> Result<u32, RemoteError> {
    let a = remote!(p, [a], #[block(name = "in an exact function")] { a + 1 }).await?;
    remote!(p, [a], #[block(exact)] { a + 1 }).await
}

struct Service;

#[distributed(exact)]
impl Service {
    async fn all(p: PeerId, a: u32) -> Result<u32, RemoteError> {
        remote!(p, [a], { a + 1 }).await
    }

    #[distributed(require = authenticated)]
    async fn one(p: PeerId, a: u32) -> Result<u32, RemoteError> {
        remote!(p, [a], { a + 1 }).await
    }
}

#[distributed]
impl Service {
    #[distributed(exact)]
    async fn other(p: PeerId, a: u32) -> Result<u32, RemoteError> {
        remote!(p, [a], { a + 1 }).await
    }
}

fn main() {
    let _ = (blocks, exact, Service::all, Service::one, Service::other);
}
