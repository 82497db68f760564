//! What the ends of channels in a value do while the value is encoded or decoded.
//!
//! serde has no place for it, so it is a property of the thread for that time. Outside of such a
//! time an end can be neither serialized nor deserialized.

use std::cell::RefCell;
use std::sync::Arc;

use super::handle::{Handle, Handles, ReceiverHandle, SenderHandle};

thread_local! {
    static SCOPE: RefCell<Scope> = const { RefCell::new(Scope::None) };
}

enum Scope {
    None,
    /// Types are looked at: ends are dummies.
    Tracing,
    /// A message is encoded, with these ends so far.
    Leaving(Handles),
    /// A message with these ends is decoded. The place of an end that was taken is empty.
    Arriving(Handles),
}

/// Puts back the scope before when it is dropped.
pub(crate) struct Entered(Option<Scope>);

impl Entered {
    fn new(scope: Scope) -> Self {
        Self(Some(SCOPE.replace(scope)))
    }

    fn leave(mut self) -> Scope {
        self.0.take().map_or(Scope::None, |before| SCOPE.replace(before))
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        if let Some(before) = self.0.take() {
            // What it has is dropped when the scope is no longer borrowed.
            drop(SCOPE.replace(before));
        }
    }
}

/// Ends of channels are dummies meanwhile.
pub(crate) fn tracing<T>(look: impl FnOnce() -> T) -> T {
    let _entered = Entered::new(Scope::Tracing);
    look()
}

/// Collects the ends of the value that is encoded, until [`handles`](Self::handles).
pub(crate) struct Leaving(Entered);

impl Leaving {
    pub(crate) fn begin() -> Self {
        Self(Entered::new(Scope::Leaving(Handles::default())))
    }

    /// The ends that the value has.
    pub(crate) fn handles(self) -> Handles {
        match self.0.leave() {
            Scope::Leaving(handles) => handles,
            _ => Handles::default(),
        }
    }
}

/// Discards the ends that were collected: the value is encoded once more.
pub(crate) fn restart() {
    let discarded = SCOPE.with_borrow_mut(|scope| match scope {
        Scope::Leaving(handles) => std::mem::take(handles),
        _ => Handles::default(),
    });
    drop(discarded);
}

/// Lets a value that is decoded take these ends, until what is returned is dropped. So is what it
/// has not taken.
#[must_use]
#[inline]
pub(crate) fn arriving(handles: Handles) -> Option<Entered> {
    (!handles.is_empty()).then(|| Entered::new(Scope::Arriving(handles)))
}

/// Adds an end to the message that is encoded, and returns its number there. `None` if no message
/// is. In a trace it is always 0, and `end` is not asked.
pub(super) fn add(end: impl FnOnce() -> Option<Handle>) -> Option<Result<u32, Taken>> {
    let is_tracing = SCOPE.with_borrow(|scope| match scope {
        Scope::Tracing => Some(true),
        Scope::Leaving(_) => Some(false),
        Scope::None | Scope::Arriving(_) => None,
    })?;
    if is_tracing {
        return Some(Ok(0));
    }
    let Some(handle) = end() else { return Some(Err(Taken)) };
    SCOPE.with_borrow_mut(|scope| match scope {
        Scope::Leaving(handles) => u32::try_from(handles.push(handle)).ok().map(Ok),
        _ => None,
    })
}

/// The end was moved away before.
#[derive(Debug)]
pub(super) struct Taken;

/// An end for a value that is decoded.
pub(super) enum Found<T> {
    /// A type is looked at.
    Dummy,
    End(T),
    /// No message with such an end is decoded.
    Nothing,
}

pub(super) fn take_sender(number: u32) -> Found<SenderHandle> {
    take(number, |handle| match handle {
        Handle::Sender(sender) => Ok(sender),
        other @ Handle::Receiver(_) => Err(other),
    })
}

pub(super) fn take_receiver(number: u32) -> Found<Arc<ReceiverHandle>> {
    take(number, |handle| match handle {
        Handle::Receiver(receiver) => Ok(receiver),
        other @ Handle::Sender(_) => Err(other),
    })
}

fn take<T>(number: u32, end: impl FnOnce(Handle) -> Result<T, Handle>) -> Found<T> {
    SCOPE.with_borrow_mut(|scope| match scope {
        Scope::Tracing | Scope::Leaving(_) => Found::Dummy,
        Scope::None => Found::Nothing,
        Scope::Arriving(handles) => {
            let Some(place) = handles.place(number as usize) else { return Found::Nothing };
            match place.take().map(end) {
                Some(Ok(end)) => Found::End(end),
                Some(Err(other)) => {
                    *place = Some(other);
                    Found::Nothing
                }
                None => Found::Nothing,
            }
        }
    })
}
