#![deny(unused)]

use distributed_scope::{PeerId, RemoteError, distributed, remote};

#[distributed]
async fn demo(p: PeerId, a: u32) -> Result<u32, RemoteError> {
    let mut unused = 1;
    remote!(p, [p, a], {
        let mut inner = a;
        fn never_called() {}
        remote!(p, [inner], {
            let mut deep = inner;
            deep
        })
        .await?
    })
    .await
}

fn main() {}
