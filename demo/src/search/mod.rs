//! `demo search`: the search page and the shared list, their server, and the index that both use.

mod bundle;
mod library;
mod site;

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context;
use demo_browser::server::Index;
use demo_browser::server::board::Board;
use distributed_scope::{Blocks, Peer, PeerId};

use crate::output::say;

/// Serves the page until the user has had enough.
pub(crate) async fn until(address: SocketAddr, interrupted: impl Future<Output = ()>) -> anyhow::Result<()> {
    bundle::build_if_missing().await?;
    let folder = std::env::temp_dir().join(format!("distributed-scope-search-{}", std::process::id()));
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot write to {}", folder.display()))?;
    let (index, writer) = Index::create(&folder.join("index.sqlite"))?;
    let index = Arc::new(index);
    let peer = Peer::builder(PeerId::named("library"))
        .shared_data(Arc::clone(&index))
        .data(Board::default())
        .expose(Blocks::of("demo_browser"))
        .start();
    let site = site::Site::start(peer.clone(), address)?;
    // The first line is the URL and nothing else, for programs that wait for it.
    say(&site.url)?;
    let filling = library::fill(index, writer);
    interrupted.await;
    filling.stop().await;
    peer.stop().await;
    site.stop().await;
    // What is left there is of no use to anybody.
    let _ = std::fs::remove_dir_all(&folder);
    Ok(())
}
