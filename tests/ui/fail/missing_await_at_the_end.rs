use distributed_scope::{PeerId, RemoteError, distributed, remote};

#[distributed]
async fn demo(p: PeerId, a: u32) -> Result<u32, RemoteError> {
    let b = remote!(p, [p, a], {
        let c = a + 1;
        remote!(p, [c], { c })
    })
    .await?;
    remote!(p, [b], { b })
}

fn main() {}
