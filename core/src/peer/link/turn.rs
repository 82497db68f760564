//! A task that reads a connection and then writes to it, in one turn. Its writer need not be woken
//! for output that follows from what it reads.

use std::cell::Cell;
use std::marker::PhantomData;

use super::Link;
use crate::peer::Platform;

thread_local! {
    /// The address of the session that this thread reads in its present turn.
    static READ: Cell<usize> = const { Cell::new(0) };
}

/// While this exists, the session's writer is not woken because of events on this thread.
pub(in crate::peer) struct Turn {
    before: usize,
    /// Makes the type `!Send`: it belongs to its thread.
    thread: PhantomData<*const ()>,
}

impl Turn {
    /// The caller checks for output after this was dropped, before it waits.
    pub(in crate::peer) fn of<P: Platform>(link: &Link<P>) -> Self {
        Self { before: READ.replace(address(link)), thread: PhantomData }
    }

    pub(super) fn is_of<P: Platform>(link: &Link<P>) -> bool {
        READ.get() == address(link)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        READ.set(self.before);
    }
}

fn address<P: Platform>(link: &Link<P>) -> usize {
    std::ptr::from_ref(link).addr()
}
