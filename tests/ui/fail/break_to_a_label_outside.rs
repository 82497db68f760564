use distributed_scope::{PeerId, RemoteError, distributed, remote};

#[distributed]
async fn demo(p: PeerId, a: u32) -> Result<u32, RemoteError> {
    'search: loop {
        remote!(p, [a], {
            for b in 0..a {
                if b > 1 {
                    break 'search;
                }
            }
        })
        .await?;
    }
}

fn main() {}
