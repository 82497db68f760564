use distributed_scope::{PeerId, RemoteError, distributed, remote};

#[distributed(require = admin)]
async fn one(p: PeerId) -> Result<u32, RemoteError> {
    remote!(p, [], { 1 }).await
}

#[distributed]
async fn two(p: PeerId) -> Result<u32, RemoteError> {
    remote!(p, [], #[block(require = claim("role"))] { 2 }).await
}

#[distributed]
async fn three(p: PeerId) -> Result<u32, RemoteError> {
    remote!(p, [], #[block(require = authenticated, require = anybody)] { 3 }).await
}

fn main() {}
