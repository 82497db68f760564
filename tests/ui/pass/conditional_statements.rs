#![deny(warnings)]

//! Where a `remote!` is not compiled, neither is what belongs to it; and what a block declares is
//! seen in the blocks within.

use distributed_scope::{PeerId, RemoteError, distributed, remote};

#[distributed]
async fn statements(p: PeerId, a: u32) -> Result<u32, RemoteError> {
    #[cfg(any())]
    let missing = remote!(p, [a], { missing::function(a) }).await?;
    #[cfg(any())]
    {
        remote!(p, [a], { missing::function(a) }).await?;
    }
    match a {
        #[cfg(any())]
        0 => remote!(p, [a], { missing::function(a) }).await,
        _ => {
            remote!(p, [p, a], {
                use std::collections::BTreeSet;
                const ONE: u32 = 1;
                let set = remote!(p, [a], { BTreeSet::from([a, ONE]) }).await?;
                set.len() as u32 + ONE
            })
            .await
        }
    }
}

fn main() {
    let _ = statements;
}
