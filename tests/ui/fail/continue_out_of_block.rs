use distributed_scope::{PeerId, RemoteError, distributed, remote};

#[distributed]
async fn demo(p: PeerId) -> Result<u32, RemoteError> {
    let mut sum = 0;
    for a in 0..3 {
        sum += remote!(p, [a], {
            if a == 1 {
                continue;
            }
            a
        })
        .await?;
    }
    Ok(sum)
}

fn main() {}
