use distributed_scope::{PeerId, RemoteError, distributed, remote};

#[distributed]
async fn ask(p: PeerId, v: Vec<u32>) -> Result<Vec<u32>, RemoteError> {
    remote!(p, [v], {
        v.push(1);
        v
    })
    .await
}

fn main() {}
