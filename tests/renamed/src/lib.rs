//! A package that depends on the library under another name, and declares that.

use scope::{PeerId, RemoteError, distributed, remote};

/// Doubles a number on another peer.
#[distributed(crate = scope)]
pub async fn double(on: PeerId, n: u32) -> Result<u32, RemoteError> {
    remote!(on, [n], { n * 2 }).await
}
