//! What a session knows of the other side's blocks, and the log of the differences: once for each
//! program that differs, however many connections it makes.

use std::sync::OnceLock;

use crate::identity::peer_id::PeerId;
use crate::peer::control::skew::{Difference, Skew, TheirBlocks};
use crate::peer::{Platform, Shared};
use crate::util::lock::Mutex;
use crate::wire::frame::Catalogue;

/// The largest number of blocks that are named. If more differ, everything was rebuilt.
const NAMED: usize = 32;

/// The largest number of programs that are distinguished. A process that has met more of them logs
/// no further ones.
const PROGRAMS: usize = 64;

/// The programs whose differences this process has logged.
static LOGGED: Mutex<Vec<u64>> = Mutex::new(Vec::new());

#[derive(Default)]
pub(in crate::peer) struct Differences {
    theirs: Mutex<TheirBlocks>,
    skews: OnceLock<Vec<Skew>>,
}

impl Differences {
    /// Takes a part of the other side's catalogue. With the last part, the differences are logged.
    pub(in crate::peer) fn tell<P: Platform>(&self, shared: &Shared<P>, remote: PeerId, part: Catalogue) {
        let Some(difference) = self.theirs.lock().add(part, shared.registry()) else { return };
        if is_new(difference.program) {
            log(shared.id(), remote, &difference);
        }
        self.skews.get_or_init(|| difference.skews);
    }

    pub(in crate::peer) fn skews(&self) -> &[Skew] {
        self.skews.get().map_or(&[], Vec::as_slice)
    }
}

/// Whether nothing was logged of this program yet.
fn is_new(program: u64) -> bool {
    let mut logged = LOGGED.lock();
    let is_new = logged.len() < PROGRAMS && !logged.contains(&program);
    if is_new {
        logged.push(program);
    }
    is_new
}

fn log(peer: PeerId, remote: PeerId, difference: &Difference) {
    let Difference { program, skews, only_theirs, .. } = difference;
    let program = format_args!("{program:016x}");
    let missing = skews.iter().filter(|skew| skew.theirs.is_none()).count();
    tracing::info!(
        %peer,
        %remote,
        program,
        changed = skews.len() - missing,
        missing,
        only_there = only_theirs.len(),
        "program with other versions of blocks connected; calls of blocks that are changed or missing there are refused"
    );
    for Skew { block, theirs } in skews.iter().take(NAMED) {
        let at = format_args!("{}:{}", block.file, block.line);
        match theirs {
            Some(theirs) => {
                let ours = block.fingerprint();
                tracing::debug!(program, block = block.path, at, %ours, %theirs, "block changed");
            }
            None => tracing::debug!(
                program,
                block = block.path,
                at,
                "the remote program does not have this block"
            ),
        }
    }
    for block in only_theirs.iter().take(NAMED) {
        tracing::debug!(program, %block, "only the remote program has this block");
    }
}
