//! Calls that have arrived and wait because too much output to their caller is pending.

use std::collections::VecDeque;

use bytes::Bytes;

use super::{CHUNK, is_oversized};
use crate::wire::frame::{CallId, HEAD, Invoke};

/// The approximate memory of a parked call, besides its captures.
const EACH: usize = HEAD + size_of::<Invoke>();

/// Calls in the order in which they came.
#[derive(Debug, Default)]
pub(super) struct Parked {
    calls: VecDeque<Invoke>,
    bytes: usize,
}

/// The limit in bytes on waiting calls is reached.
#[derive(Debug)]
pub(super) struct NoRoom;

impl Parked {
    pub(super) fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }

    /// Frees capacity that is no longer needed.
    pub(super) fn shrink(&mut self) {
        if is_oversized(self.calls.capacity(), self.calls.len()) {
            self.calls.shrink_to_fit();
        }
    }

    /// Their size in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Adds a call, unless the calls would then exceed `limit` bytes. If there are no others, the
    /// call is always accepted.
    pub(super) fn push(&mut self, mut invoke: Invoke, limit: usize) -> Result<(), NoRoom> {
        let size = EACH + invoke.captures.len();
        if !self.is_empty() && self.bytes + size > limit {
            return Err(NoRoom);
        }
        // A message that came in one frame shares the buffer of all that was read from the socket
        // with it.
        if invoke.captures.len() <= CHUNK {
            invoke.captures = Bytes::copy_from_slice(&invoke.captures);
        }
        self.bytes += size;
        self.calls.push_back(invoke);
        Ok(())
    }

    /// Removes the calls that were not made by a block.
    pub(super) fn take_first_hops(&mut self) -> Vec<CallId> {
        let (first, nested): (Vec<_>, Vec<_>) = self.calls.drain(..).partition(|invoke| invoke.hop == 0);
        self.bytes = nested.iter().map(|invoke| EACH + invoke.captures.len()).sum();
        self.calls = nested.into();
        first.into_iter().map(|invoke| invoke.call).collect()
    }

    /// Removes the call that has waited the longest. It may have been cancelled meanwhile.
    pub(super) fn pop(&mut self) -> Option<Invoke> {
        let invoke = self.calls.pop_front()?;
        self.bytes -= EACH + invoke.captures.len();
        Some(invoke)
    }
}
