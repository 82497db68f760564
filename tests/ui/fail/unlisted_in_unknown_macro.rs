use distributed_scope::{PeerId, RemoteError, distributed, remote};

#[distributed]
async fn demo(p: PeerId, a: u32) -> Result<u32, RemoteError> {
    macro_rules! same {
        ($e:expr) => {
            $e
        };
    }
    remote!(p, [], { same!(a + 1) }).await
}

fn main() {}
