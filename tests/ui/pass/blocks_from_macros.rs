#![deny(warnings, unused)]

//! Blocks, lists, peers and values that a macro of the user was given.

use distributed_scope::{PeerId, RemoteError, distributed, remote};

macro_rules! function {
    ($name:ident, $ty:ty, $peer:expr, $value:expr, $block:block, $body:expr) => {
        #[distributed]
        async fn $name(p: PeerId, n: $ty) -> Result<$ty, RemoteError> {
            let m = remote!(p, [n], { n + $value }).await?;
            let k = remote!($peer, [], $block).await?;
            let l: $ty = remote!(p, [], $body).await?;
            remote!(p, [m, k, l], { m + k + l }).await
        }
    };
}

function!(small, u8, PeerId::named("a"), 3, { 5 }, { 1 });
function!(large, u64, PeerId::named("b"), 3 + 4, { 7 }, { 2 });

fn main() {
    let _ = (small, large);
}
