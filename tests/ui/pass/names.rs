#![deny(warnings)]

use distributed_scope::{PeerId, RemoteError, distributed, remote};

#[distributed]
async fn search(p: PeerId, text: String) -> Result<usize, RemoteError> {
    let found = remote!(p, [p, text], #[block(name = "search")] {
        remote!(p, [text], #[block(name = "length")] { text.len() }).await?
    })
    .await?;
    remote!(p, [found] -> usize, #[cfg(any())] #[block(name = "more")] { missing_crate::more(found) }).await
}

fn main() {
    let _ = search;
}
