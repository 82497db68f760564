use distributed_scope::{PeerId, RemoteError, distributed, remote};

macro_rules! on {
    ($peer:expr, $body:block) => {
        remote!($peer, [], $body).await
    };
}

#[distributed]
async fn ask(p: PeerId) -> Result<u32, RemoteError> {
    on!(p, { 1 })
}

fn main() {}
