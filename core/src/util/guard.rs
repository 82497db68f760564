//! Runs code of the program where a panic must not get any further: into a connection's task, an
//! actor, or the process's end.
//!
//! ARCHITECTURE.md lists the places. What a panic carries is code of the program, too: it has a
//! `Drop` that may panic again.

use std::any::Any;
use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

/// A panic of the program's that was caught.
pub struct Panic(Option<Box<dyn Any + Send>>);

impl Panic {
    /// The text that it was raised with, if it was raised with one. It may hold what the code was
    /// given.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        let payload = self.0.as_deref()?;
        payload.downcast_ref::<&str>().copied().or_else(|| payload.downcast_ref().map(String::as_str))
    }
}

impl Drop for Panic {
    fn drop(&mut self) {
        let payload = self.0.take();
        if let Err(another) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
            // It may do the same, and so without end. Such a payload is leaked.
            let _ = Box::leak(another);
        }
    }
}

impl fmt::Debug for Panic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Panic")
    }
}

/// Runs code of the program, and catches its panic.
///
/// # Errors
///
/// When it panicked. The program's panic hook has been told.
#[inline]
pub fn run<T>(code: impl FnOnce() -> T) -> Result<T, Panic> {
    catch_unwind(AssertUnwindSafe(code)).map_err(|payload| Panic(Some(payload)))
}

/// Lets go of a value of the program's, whose `Drop` may panic.
pub fn let_go<T>(value: T) {
    drop(run(|| drop(value)));
}

pin_project_lite::pin_project! {
    /// A future of the program's whose panics are caught: when it is polled, when it has ended,
    /// and when it is dropped before that.
    pub struct Guarded<F> {
        #[pin]
        future: Option<F>,
    }

    impl<F> PinnedDrop for Guarded<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            // One that has ended is gone already.
            if this.future.is_some() {
                drop(run(|| this.future.set(None)));
            }
        }
    }
}

impl<F> Guarded<F> {
    /// Guards this.
    pub fn new(future: F) -> Self {
        Self { future: Some(future) }
    }
}

impl<F: Future> Future for Guarded<F> {
    type Output = Result<F::Output, Panic>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let polled = run(|| {
            let future = this.future.as_mut().as_pin_mut().expect("nothing polls a future that has ended");
            let poll = future.poll(cx);
            if poll.is_ready() {
                this.future.set(None);
            }
            poll
        });
        match polled {
            Ok(poll) => poll.map(Ok),
            Err(panic) => Poll::Ready(Err(panic)),
        }
    }
}

impl<F> fmt::Debug for Guarded<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Guarded")
    }
}

/// Calls a function of the program's that gives a future, and guards both.
///
/// # Errors
///
/// When either panicked, also where the future was let go of after it had ended.
pub async fn run_async<F: Future>(begin: impl FnOnce() -> F) -> Result<F::Output, Panic> {
    Guarded::new(run(begin)?).await
}

#[cfg(test)]
mod tests {
    use std::panic::panic_any;

    use super::*;

    /// Panics so many times when it is let go of.
    struct Payload(u8);

    impl Drop for Payload {
        fn drop(&mut self) {
            if self.0 > 0 {
                panic_any(Self(self.0 - 1));
            }
        }
    }

    #[test]
    fn payload_that_panics_gets_no_further() {
        for times in 0..4 {
            assert!(run(|| panic_any(Payload(times))).is_err());
            let_go(Payload(times));
        }
    }

    #[test]
    fn text_of_panic_is_found() {
        assert_eq!(run(|| panic!("as it is")).unwrap_err().text(), Some("as it is"));
        assert_eq!(run(|| panic!("put together: {}", 1)).unwrap_err().text(), Some("put together: 1"));
        assert_eq!(run(|| panic_any(1)).unwrap_err().text(), None);
    }
}
