use distributed_scope::{PeerId, distributed, remote};

#[distributed]
async fn demo(p: PeerId, a: impl Clone) -> impl Clone {
    let _ = a.clone();
    remote!(p, [], { 1 }).await.unwrap()
}

async fn caller(p: PeerId) {
    let _ = demo(p, 1).await.clone();
}

fn main() {
    let _ = caller;
}
