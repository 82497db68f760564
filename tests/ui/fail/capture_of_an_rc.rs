use distributed_scope::{PeerId, RemoteError, distributed, remote};

#[distributed]
async fn demo(p: PeerId, a: u32) -> Result<u32, RemoteError> {
    let shared = std::rc::Rc::new(a);
    remote!(p, [a, shared], { *shared + a }).await
}

fn main() {}
