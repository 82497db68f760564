//! A block that runs: guarded against panics, in its context, to an end that can be sent.

use std::any::Any;
use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{self, Poll, Waker, ready};

use tracing::Instrument;
use tracing::instrument::Instrumented;

use crate::codec::Codec;
use crate::error::{ErrorKind, Ran, Refusal, RemoteError};
use crate::here::{Context, Scoped};
use crate::pending::{Ending, Payload};
use crate::registry::{Body, BodyError, Entry};

/// A block that has begun.
pub(super) struct Running {
    body: Instrumented<Scoped<Body>>,
    codec: Codec,
    entry: &'static Entry,
}

impl Running {
    /// Decodes the captures. An error means that nothing of the block ran.
    pub(super) fn begin(
        context: Context,
        entry: &'static Entry,
        captures: &[u8],
        codec: Codec,
        head: usize,
    ) -> Result<Self, RemoteError> {
        // Decoding runs the captured types' own code, which may panic like any other.
        let body = match catch_unwind(AssertUnwindSafe(|| entry.start(captures, codec, head))) {
            Ok(Ok(body)) => body,
            Ok(Err(error)) => return Err(RemoteError::refused(Refusal::DecodeCaptures(chain(&error)))),
            Err(panic) => {
                log_panic(entry, &*panic);
                return Err(RemoteError::new(ErrorKind::Panicked, Ran::Never));
            }
        };
        let block = entry.block();
        let span =
            tracing::debug_span!("block", path = block.path, caller = %context.caller, hop = context.hop);
        Ok(Self { body: Scoped::new(Arc::new(context), body).instrument(span), codec, entry })
    }

    /// Runs it until it has to wait for something. Nothing is woken when that comes.
    pub(super) fn poll_once(&mut self) -> Poll<Ending> {
        Pin::new(self).poll(&mut task::Context::from_waker(Waker::noop()))
    }
}

impl Future for Running {
    type Output = Ending;

    /// Not polled again after it has ended, also not when that was by a panic.
    fn poll(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Ending> {
        let codec = self.codec;
        let polled = match catch_unwind(AssertUnwindSafe(|| Pin::new(&mut self.body).poll(cx))) {
            Ok(polled) => polled,
            Err(panic) => {
                log_panic(self.entry, &*panic);
                return Poll::Ready(Err(RemoteError::new(ErrorKind::Panicked, Ran::Yes)));
            }
        };
        Poll::Ready(match ready!(polled) {
            Ok(bytes) => Ok(Payload { codec, bytes: bytes.into() }),
            Err(BodyError::Raised(raised)) => Err(RemoteError::raised(raised)),
            Err(BodyError::Encode(error)) => {
                Err(RemoteError::new(ErrorKind::EncodeResult, Ran::Yes).caused_by(&error))
            }
        })
    }
}

fn log_panic(entry: &Entry, panic: &(dyn Any + Send)) {
    let message = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a panic without a message");
    tracing::error!(block = %entry.block(), message, "a block panicked");
}

fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}
