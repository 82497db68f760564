use distributed_scope::{PeerId, RemoteError, distributed, remote};

#[distributed]
async fn demo(p: PeerId, a: impl Clone) -> impl Clone {
    let _ = a.clone();
    remote!(p, [], { 1 }).await.unwrap()
}

#[distributed]
async fn in_a_result(p: PeerId) -> Result<impl Clone, RemoteError> {
    remote!(p, [], { 1 }).await
}

async fn caller(p: PeerId) {
    let _ = (demo(p, 1).await.clone(), in_a_result(p).await.unwrap().clone());
}

fn main() {
    let _ = caller;
}
