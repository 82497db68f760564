//! Calls that have arrived and wait until less waits to be sent to their caller.

use std::collections::VecDeque;

use bytes::Bytes;

use super::{CHUNK, is_oversized};
use crate::wire::frame::{CallId, HEAD, Invoke};

/// What a parked call costs beside its captures, about.
const EACH: usize = HEAD + size_of::<Invoke>();

/// Calls in the order in which they came.
#[derive(Debug, Default)]
pub(super) struct Parked {
    calls: VecDeque<Invoke>,
    bytes: usize,
}

/// So many bytes of calls wait already that no more can.
#[derive(Debug)]
pub(super) struct NoRoom;

impl Parked {
    pub(super) fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }

    /// Gives back what is not needed any longer.
    pub(super) fn shrink(&mut self) {
        if is_oversized(self.calls.capacity(), self.calls.len()) {
            self.calls.shrink_to_fit();
        }
    }

    /// How many bytes they are.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Takes a call, unless there would be more than `limit` bytes of them. A single one always
    /// finds room.
    pub(super) fn push(&mut self, mut invoke: Invoke, limit: usize) -> Result<(), NoRoom> {
        let size = EACH + invoke.captures.len();
        if !self.is_empty() && self.bytes + size > limit {
            return Err(NoRoom);
        }
        // A message that came in one frame is a share of all that was read from the socket with it.
        if invoke.captures.len() <= CHUNK {
            invoke.captures = Bytes::copy_from_slice(&invoke.captures);
        }
        self.bytes += size;
        self.calls.push_back(invoke);
        Ok(())
    }

    /// Takes out those that no block made.
    pub(super) fn take_first_hops(&mut self) -> Vec<CallId> {
        let (first, nested): (Vec<_>, Vec<_>) = self.calls.drain(..).partition(|invoke| invoke.hop == 0);
        self.bytes = nested.iter().map(|invoke| EACH + invoke.captures.len()).sum();
        self.calls = nested.into();
        first.into_iter().map(|invoke| invoke.call).collect()
    }

    /// The one that has waited the longest. It may have been given up meanwhile.
    pub(super) fn pop(&mut self) -> Option<Invoke> {
        let invoke = self.calls.pop_front()?;
        self.bytes -= EACH + invoke.captures.len();
        Some(invoke)
    }
}
