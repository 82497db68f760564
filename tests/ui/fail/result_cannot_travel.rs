use distributed_scope::{PeerId, RemoteError, distributed, remote};

#[distributed]
async fn demo(p: PeerId, a: u32) -> Result<u32, RemoteError> {
    let n = remote!(p, [a], { std::rc::Rc::new(a) }).await?;
    Ok(*n)
}

fn main() {}
