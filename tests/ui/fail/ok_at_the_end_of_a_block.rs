use distributed_scope::{PeerId, RemoteError, distributed, remote};

#[distributed]
async fn ask(p: PeerId, a: u32) -> Result<u32, RemoteError> {
    let b = remote!(p, [a], { Ok(a + 1) }).await?;
    remote!(p, [b], {
        let c = b.checked_mul(2).ok_or("too large")?;
        Ok(c)
    })
    .await
}

fn main() {}
