use distributed_scope::{PeerId, RemoteError, distributed, remote};

#[distributed]
async fn demo(p: PeerId, numbers: Vec<u32>) -> Result<u32, RemoteError> {
    let rest = numbers.iter();
    remote!(p, [rest], { rest.sum() }).await
}

fn main() {}
