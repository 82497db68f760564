//! Keeps the shared list in a file.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use demo_browser::board::Item;
use demo_browser::server::board::Board;
use distributed_scope::Peer;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::output::{complain, error_with_causes};

/// The board with what the file has; an empty one if there is no file yet.
pub(super) fn read(file: &Path) -> anyhow::Result<Board> {
    if !file.exists() {
        return Ok(Board::default());
    }
    let text = fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let items = serde_json::from_str(&text)
        .with_context(|| format!("{} holds no list: name another file, or remove it", file.display()))?;
    Ok(Board::with(items))
}

/// What writes the file.
pub(super) struct Keeping {
    task: JoinHandle<()>,
    stop: oneshot::Sender<()>,
}

impl Keeping {
    /// Writes what was changed last, and stops.
    pub(super) async fn stop(self) {
        // It has reported its errors, if there were any.
        let _ = self.stop.send(());
        let _ = self.task.await;
    }
}

/// Writes the items whenever they have changed.
pub(super) fn keep(file: PathBuf, peer: &Peer, board: Arc<Board>) -> Keeping {
    let (stop, mut stopped) = oneshot::channel();
    let task = actix_web::rt::spawn(peer.run(async move {
        let mut written = board.items();
        let mut changes = board.subscribe();
        loop {
            let is_over = tokio::select! {
                change = changes.recv() => !matches!(change, Ok(Some(_))),
                _ = &mut stopped => true,
            };
            let items = board.items();
            if items != written {
                if let Err(error) = write(&file, &items) {
                    complain(&error_with_causes(&error));
                }
                written = items;
            }
            if is_over {
                return;
            }
        }
    }));
    Keeping { task, stop }
}

/// Beside the file first, so that there is a whole one at any time.
fn write(file: &Path, items: &[Item]) -> anyhow::Result<()> {
    let mut beside = file.as_os_str().to_owned();
    beside.push(".new");
    let written = serde_json::to_string_pretty(items)
        .map_err(std::io::Error::from)
        .and_then(|text| fs::write(&beside, text))
        .and_then(|()| fs::rename(&beside, file));
    written.with_context(|| format!("cannot write {}", file.display()))
}
