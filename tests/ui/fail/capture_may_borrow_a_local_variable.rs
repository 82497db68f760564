use std::borrow::Cow;

use distributed_scope::{PeerId, RemoteError, distributed, remote};

#[distributed]
async fn demo(p: PeerId, text: String) -> Result<usize, RemoteError> {
    let short: Cow<'_, str> = text.as_str().into();
    remote!(p, [short], { short.len() }).await
}

fn main() {}
