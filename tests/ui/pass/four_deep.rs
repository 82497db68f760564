#![deny(warnings)]

use distributed_scope::{PeerId, RemoteError, distributed, remote};

#[distributed]
async fn deep(p: PeerId, n: u64) -> Result<u64, RemoteError> {
    remote!(p, [p, n], {
        let one = n + 1;
        let two = remote!(p, [p, one], {
            let three: u64 = remote!(p, [p, one], {
                let parts = [one, one + 1];
                remote!(p, [parts], { parts.iter().sum() }).await?
            })
            .await?;
            three + one
        })
        .await?;
        two * 2
    })
    .await
}

fn main() {
    let _ = deep;
}
