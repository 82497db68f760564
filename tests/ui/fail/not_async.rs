use distributed_scope::{PeerId, distributed, remote};

#[distributed]
fn demo(p: PeerId, a: u32) -> distributed_scope::Call<u32> {
    remote!(p, [a], { a })
}

fn main() {}
