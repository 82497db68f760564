//! `demo search`: the search page and the shared list, their server, and the index that both use.

mod bundle;
mod library;
mod list;
mod site;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use demo_browser::server::Index;
use demo_browser::server::board::Board;
use distributed_scope::{Blocks, Peer, PeerId};

use crate::output::say;

/// Serves the pages until the user ends the program.
pub(crate) async fn until(
    address: SocketAddr,
    list: Option<PathBuf>,
    bundle: Option<PathBuf>,
    interrupted: impl Future<Output = ()>,
) -> anyhow::Result<()> {
    let board = Arc::new(list.as_deref().map_or(Ok(Board::default()), list::read)?);
    let bundle = match bundle {
        Some(folder) => folder,
        None => {
            bundle::build_if_missing().await?;
            bundle::folder()
        }
    };
    let folder = std::env::temp_dir().join(format!("distributed-scope-search-{}", std::process::id()));
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot write to {}", folder.display()))?;
    let (index, writer) = Index::create(&folder.join("index.sqlite"))?;
    let index = Arc::new(index);
    let peer = Peer::builder(PeerId::named("library"))
        .shared_data(Arc::clone(&index))
        .shared_data(Arc::clone(&board))
        .expose(Blocks::of("demo_browser"))
        .start();
    let keeping = list.map(|file| list::keep(file, &peer, board));
    let site = site::Site::start(peer.clone(), address, bundle)?;
    // The first line is the URL and nothing else, for programs that wait for it.
    say(&site.url)?;
    say(format_args!("{}board", site.url))?;
    let filling = library::fill(index, writer);
    interrupted.await;
    filling.stop().await;
    peer.stop().await;
    site.stop().await;
    if let Some(keeping) = keeping {
        keeping.stop().await;
    }
    // What is left there is of no use to anybody.
    let _ = std::fs::remove_dir_all(&folder);
    Ok(())
}
