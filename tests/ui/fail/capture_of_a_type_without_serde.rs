use distributed_scope::{PeerId, RemoteError, distributed, remote};

#[distributed]
async fn demo(p: PeerId, a: u32) -> Result<u32, RemoteError> {
    struct Point {
        x: u32,
    }
    let point = Point { x: a };
    remote!(p, [point], { point.x }).await
}

fn main() {}
