//! Whoever reads a connection and writes it afterwards, in one turn, need not be woken for what
//! follows from what it reads.

use std::cell::Cell;
use std::marker::PhantomData;

use super::Link;
use crate::peer::Platform;

thread_local! {
    /// The address of the session that is read in this thread's present turn.
    static READ: Cell<usize> = const { Cell::new(0) };
}

/// As long as this exists, nobody is woken to write for the session because of what happens on
/// this thread.
pub(in crate::peer) struct Turn {
    before: usize,
    /// It belongs to its thread.
    thread: PhantomData<*const ()>,
}

impl Turn {
    /// The caller looks for something to write when this is gone, before it waits.
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
