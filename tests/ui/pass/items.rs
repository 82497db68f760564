#![deny(warnings)]

//! Items in a function are seen by its blocks, and exist once.

use distributed_scope::{PeerId, RemoteError, distributed, remote};

#[distributed]
async fn items(p: PeerId) -> Result<u32, RemoteError> {
    use std::collections::BTreeMap as Map;
    const START: u32 = 3;
    #[derive(serde::Serialize, serde::Deserialize)]
    struct Point {
        x: u32,
    }
    impl Point {
        fn new() -> Self {
            Self { x: START }
        }
    }
    fn double(x: u32) -> u32 {
        x * 2
    }
    macro_rules! triple {
        ($x:expr) => {
            $x * 3
        };
    }
    #[distributed]
    async fn inner(p: PeerId) -> Result<u32, RemoteError> {
        remote!(p, [], { 1 }).await
    }
    let point = Point::new();
    let map: Map<u32, Point> = remote!(p, [p, point], {
        let n = double(triple!(point.x)) + inner(p).await?;
        Map::from([(n, Point { x: START })])
    })
    .await?;
    Ok(map.len() as u32 + map.values().map(|p| p.x).sum::<u32>())
}

fn main() {
    let _ = items;
}
