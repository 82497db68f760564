#![deny(warnings)]

use distributed_scope::{PeerId, RemoteError, distributed, remote};

#[distributed]
async fn conditional(p: PeerId, a: u32) -> Result<String, RemoteError> {
    let off: u32 = remote!(p, [p, a: u32] -> u32, #[cfg(any())] {
        let b = missing_crate::function(a);
        remote!(p, [b], { not_there(b) }).await?
    })
    .await?;
    let on = remote!(p, [off, p] -> String, #[cfg(all())] {
        let n = remote!(p, [off], { off + 1 }).await?;
        n.to_string()
    })
    .await?;
    Ok(on)
}

fn main() {
    let _ = conditional;
}
