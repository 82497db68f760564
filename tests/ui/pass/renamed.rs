#![deny(warnings)]

use distributed_scope as scope;

mod facade {
    pub use distributed_scope::*;
}

#[scope::distributed(crate = crate::facade)]
async fn renamed(p: scope::PeerId, n: u32) -> Result<u32, scope::RemoteError> {
    scope::remote!(p, [n], { n }).await
}

fn main() {
    let _ = renamed;
}
