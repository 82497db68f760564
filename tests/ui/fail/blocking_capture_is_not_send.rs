use std::marker::PhantomData;

use distributed_scope::{PeerId, RemoteError, distributed, remote};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct Local(u32, PhantomData<*const ()>);

#[distributed]
async fn ask(p: PeerId, a: u32, local: Local) -> Result<u32, RemoteError> {
    remote!(p, [a, local], #[block(blocking)] { a + local.0 }).await
}

fn main() {}
