//! Reports of the blocks that a peer runs: for metrics, and for tests.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::block::Block;
use crate::call::here::Context;
use crate::call::host::Host;
use crate::call::pending::Ending;
use crate::error::{ErrorKind, Ran};
use crate::identity::peer_id::PeerId;
use crate::util::guard;
use crate::util::time::Moment;

/// Receives a report of every block that its peer ran, after the block ended: for other peers, and
/// for the peer itself.
///
/// A closure is one. It runs on the thread of the block, so it should be quick.
pub trait ServedObserver: Send + Sync {
    /// A block has ended.
    fn block_ended(&self, block: &ServedReport);
}

impl<F: Fn(&ServedReport) + Send + Sync> ServedObserver for F {
    fn block_ended(&self, block: &ServedReport) {
        self(block);
    }
}

/// One block that has ended. It contains no captures, no result and no text of an error.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ServedReport {
    /// The peer that ran it.
    pub peer: PeerId,
    /// The peer that called it; the same one for a call of a peer on itself.
    pub caller: PeerId,
    /// The block.
    pub block: &'static Block,
    /// How many hops lay behind its call: 0 for a call that no block made.
    pub hop: u8,
    /// The time from the start of its body to its end.
    pub elapsed: Duration,
    /// How it ended.
    pub outcome: ServedOutcome,
}

/// How a block ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ServedOutcome {
    /// It returned its value.
    Value,
    /// It returned an error.
    Raised,
    /// It panicked.
    Panicked,
    /// It returned a value that cannot be encoded. A value that was encoded and is larger than
    /// a message may be counts as [`Value`](Self::Value).
    NotEncoded,
    /// It was dropped before its end: its caller gave up, its deadline passed, or its session was
    /// lost.
    Dropped,
}

impl fmt::Display for ServedOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Value => "value",
            Self::Raised => "raised",
            Self::Panicked => "panicked",
            Self::NotEncoded => "not encoded",
            Self::Dropped => "dropped",
        })
    }
}

/// Reports a running block to the observer of its peer, when it ends or is dropped.
pub(crate) struct Report {
    host: Arc<dyn Host>,
    caller: PeerId,
    block: &'static Block,
    hop: u8,
    begun: Moment,
    /// `None` if it did not run.
    outcome: Option<ServedOutcome>,
}

impl Report {
    /// Returns `None` if nothing observes.
    #[inline]
    pub(crate) fn begin(context: &Context, block: &'static Block) -> Option<Box<Self>> {
        context.host.served_observer().is_some().then(|| {
            Box::new(Self {
                host: Arc::clone(&context.host),
                caller: context.caller,
                block,
                hop: context.hop.saturating_sub(1),
                begun: context.host.now(),
                outcome: Some(ServedOutcome::Dropped),
            })
        })
    }

    /// The block has ended, unless its body never began.
    pub(crate) fn ended(mut self, ending: &Ending) {
        self.outcome = match ending {
            Ok(_) => Some(ServedOutcome::Value),
            Err(error) if error.ran() == Ran::Never => None,
            Err(error) => Some(match error.kind() {
                ErrorKind::Raised => ServedOutcome::Raised,
                ErrorKind::Panicked => ServedOutcome::Panicked,
                _ => ServedOutcome::NotEncoded,
            }),
        };
    }
}

impl Drop for Report {
    fn drop(&mut self) {
        if let (Some(outcome), Some(observer)) = (self.outcome, self.host.served_observer()) {
            let report = ServedReport {
                peer: self.host.id(),
                caller: self.caller,
                block: self.block,
                hop: self.hop,
                elapsed: self.host.now().since(self.begun),
                outcome,
            };
            if guard::run(|| observer.block_ended(&report)).is_err() {
                tracing::error!(block = %self.block, "`observe_served` panicked");
            }
        }
    }
}
