//! What a session knows of the other side's blocks, and what the log says of it: once, when the other side has told.

use std::sync::OnceLock;

use parking_lot::Mutex;

use super::{Platform, Shared};
use crate::frame::Catalogue;
use crate::id::PeerId;
use crate::skew::{Difference, Skew, TheirBlocks};

/// So many blocks are named at most; more of them mean that everything was built anew.
const NAMED: usize = 32;

#[derive(Default)]
pub(super) struct Differences {
    theirs: Mutex<TheirBlocks>,
    skews: OnceLock<Vec<Skew>>,
}

impl Differences {
    /// Takes what the other side tells. With the last part of it the differences are logged.
    pub(super) fn tell<P: Platform>(&self, shared: &Shared<P>, remote: PeerId, part: Catalogue) {
        let Some(difference) = self.theirs.lock().add(part, shared.registry()) else { return };
        log(shared.id(), remote, &difference);
        self.skews.get_or_init(|| difference.skews);
    }

    pub(super) fn skews(&self) -> &[Skew] {
        self.skews.get().map_or(&[], Vec::as_slice)
    }
}

fn log(peer: PeerId, remote: PeerId, difference: &Difference) {
    let Difference { skews, only_ours, only_theirs, .. } = difference;
    for skew in skews.iter().take(NAMED) {
        tracing::warn!(
            %peer,
            %remote,
            block = skew.block.path,
            at = format_args!("{}:{}", skew.block.file, skew.block.line),
            ours = %skew.block.fingerprint(),
            theirs = %skew.theirs,
            "that peer has another version of this block: calls of it are refused"
        );
    }
    if skews.len() > NAMED {
        tracing::warn!(%peer, %remote, more = skews.len() - NAMED, "and other versions of more blocks");
    }
    for block in only_ours.iter().take(NAMED) {
        tracing::debug!(%peer, %remote, %block, "that peer does not have this block");
    }
    for block in only_theirs.iter().take(NAMED) {
        tracing::debug!(%peer, %remote, %block, "that peer has a block that is not known here");
    }
    tracing::debug!(
        %peer,
        %remote,
        skews = skews.len(),
        only_ours = only_ours.len(),
        only_theirs = only_theirs.len(),
        "the two programs have different blocks"
    );
}
