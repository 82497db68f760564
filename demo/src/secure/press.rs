//! What the server can do, and which callers may ask for it.

use std::sync::atomic::{AtomicU64, Ordering};

use distributed_scope::{PeerId, RemoteError, distributed, here, remote};

/// How much was published.
#[derive(Debug, Default)]
pub(super) struct Published(AtomicU64);

/// Publishes an article, if the caller is an editor.
#[distributed(require = claim("role", "editor"))]
pub(super) async fn publish(press: PeerId, title: String) -> Result<String, RemoteError> {
    remote!(press, [title], {
        let number = here::data::<Published>()?.0.fetch_add(1, Ordering::Relaxed) + 1;
        format!("article {number}, \"{title}\", by {}", here::require_principal()?.subject())
    })
    .await
}
