//! A running block: protected against panics, in its context, with an outcome that can be sent.

use std::error::Error;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{self, Poll, Waker, ready};

use tracing::Instrument;
use tracing::instrument::Instrumented;
use tracing::level_filters::LevelFilter;

use crate::call::blocking::{self, Lease};
use crate::call::here::{Context, Scoped};
use crate::call::host::Host;
use crate::call::pending::{Ending, Payload};
use crate::call::served::Report;
use crate::channel::blocks::Dropped;
use crate::channel::error::End;
use crate::channel::handle::Handles;
use crate::channel::scope;
use crate::error::{ErrorKind, Ran, Refusal, RemoteError, panic_text};
use crate::registry::{Arrived, Body, BodyError, Entry, Started, Work};
use crate::util::guard::{self, Guarded, Panic};
use crate::util::shown;
use crate::util::time::Moment;
use crate::wire::codec::{Codec, Written};

/// A block whose captures were decoded, and that has not begun to run.
pub(in crate::peer) struct Ready {
    context: Context,
    entry: &'static Entry,
    work: Work,
    size: usize,
    longest: usize,
    /// Its captures have ends of channels.
    has_ends: bool,
}

/// A block that has begun.
pub(in crate::peer) struct Running {
    body: Guarded<Traced>,
    entry: &'static Entry,
    /// [`Limits::max_error_text`](crate::Limits::max_error_text) of the peer.
    longest: usize,
    /// The peer, if the captures have ends of channels.
    has_ends: Option<Arc<dyn Host>>,
    report: Option<Box<Report>>,
}

/// The body of a block, in a separate span if a subscriber is interested.
enum Traced {
    Not(Scoped<Body>),
    InSpan(Instrumented<Scoped<Body>>),
}

impl Future for Traced {
    type Output = <Body as Future>::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Self::Output> {
        match &mut *self {
            Self::Not(body) => Pin::new(body).poll(cx),
            Self::InSpan(body) => Pin::new(body).poll(cx),
        }
    }
}

impl Ready {
    /// Decodes the captures. An error means that no part of the block ran.
    #[inline]
    pub(in crate::peer) fn read(
        context: Context,
        entry: &'static Entry,
        captures: &[u8],
        handles: Handles,
        codec: Codec,
        head: usize,
    ) -> Result<Self, RemoteError> {
        // Decoding runs code of the captured types, which may panic like any other code.
        let longest = context.host.limits().max_error_text;
        let captures = Arrived { codec, memory: context.host.limits().max_decode_memory, bytes: captures };
        let has_ends = !handles.is_empty();
        let start = || {
            let _ends = scope::arriving(handles);
            entry.start(captures, head)
        };
        let Started { work, captured } = match guard::run(start) {
            Ok(Ok(started)) => started,
            Ok(Err(error)) => {
                let mut reason = chain(&error);
                shown::cut(&mut reason, longest);
                return Err(RemoteError::refused(Refusal::DecodeCaptures(reason)));
            }
            Err(panic) => return Err(panicked(entry, &panic, Ran::Never, longest)),
        };
        let size = captured
            + match &work {
                Work::Here(body) => size_of_val(&**body),
                Work::Blocking(blocking) => blocking.size(),
            };
        Ok(Self { context, entry, work, size, longest, has_ends })
    }

    /// The approximate memory in bytes.
    pub(in crate::peer) fn size(&self) -> usize {
        self.size
    }

    /// Whether it runs on the blocking pool.
    pub(in crate::peer) fn is_blocking(&self) -> bool {
        matches!(self.work, Work::Blocking(_))
    }

    /// Whether its deadline has passed. The clock is read only if there are captures, because
    /// decoding them takes time.
    #[inline]
    pub(in crate::peer) fn is_late(&self, now: impl FnOnce() -> Moment) -> bool {
        let deadline = self.context.deadline;
        deadline.moment().is_some() && deadline.has_passed(now())
    }

    /// Runs when it is polled. If it [is blocking](Self::is_blocking), it holds the lease until it
    /// ends.
    #[inline]
    pub(in crate::peer) fn run(self, lease: impl FnOnce() -> Box<dyn Lease>) -> Running {
        let Self { context, entry, work, longest, has_ends, .. } = self;
        let block = entry.block();
        // The first poll is in place, in whatever span the connection has: that of the upgrade
        // request, for instance. The block's log events do not belong to that span. A span without
        // a subscriber costs a tenth of what a short block does.
        let span = (LevelFilter::current() >= LevelFilter::INFO).then(|| {
            tracing::info_span!(
                parent: None, "block", path = block.path, caller = %context.caller, hop = context.hop
            )
        });
        let has_ends = has_ends.then(|| Arc::clone(&context.host));
        let report = Report::begin(&context, block);
        let context = Arc::new(context);
        let body = match work {
            Work::Here(body) => body,
            Work::Blocking(blocking) => blocking::body(Arc::clone(&context), blocking, lease()),
        };
        let body = Scoped::new(context, body);
        let body = match span {
            Some(span) => Traced::InSpan(body.instrument(span)),
            None => Traced::Not(body),
        };
        Running { body: Guarded::new(body), entry, longest, has_ends, report }
    }
}

impl Running {
    /// Polls it until it has to wait for something. No task is woken when that is ready.
    pub(in crate::peer) fn poll_once(&mut self) -> Poll<Ending> {
        Pin::new(self).poll(&mut task::Context::from_waker(Waker::noop()))
    }
}

impl Future for Running {
    type Output = Ending;

    /// It is not polled again after it has ended, even if it ended with a panic.
    fn poll(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Ending> {
        let polled = match self.has_ends.clone() {
            Some(host) => self.poll_with_ends(cx, &*host),
            None => self.poll_alone(cx),
        };
        if let Poll::Ready(ending) = &polled
            && let Some(report) = self.report.take()
        {
            (*report).ended(ending);
        }
        polled
    }
}

impl Running {
    /// A sender that a failing block drops tells its receiver why.
    #[inline(never)]
    fn poll_with_ends(&mut self, cx: &mut task::Context<'_>, host: &dyn Host) -> Poll<Ending> {
        let dropped = Dropped::begin();
        let polled = self.poll_alone(cx);
        dropped.end(|| match &polled {
            Poll::Ready(Err(error)) if matches!(error.kind(), ErrorKind::Raised | ErrorKind::Panicked) => {
                Some(End::Failed(Box::new(host.disclosed(error.clone()))))
            }
            Poll::Ready(_) | Poll::Pending => None,
        });
        polled
    }

    #[inline]
    fn poll_alone(&mut self, cx: &mut task::Context<'_>) -> Poll<Ending> {
        let ended = match ready!(Pin::new(&mut self.body).poll(cx)) {
            Ok(ended) => ended,
            Err(panic) => return Poll::Ready(Err(panicked(self.entry, &panic, Ran::Yes, self.longest))),
        };
        Poll::Ready(match ended {
            Ok(Written { codec, bytes, handles }) => Ok(Payload { codec, bytes: bytes.into(), handles }),
            Err(BodyError::Raised(raised)) => Err(RemoteError::raised(raised, self.longest)),
            Err(BodyError::Panicked(panic)) => Err(panicked(self.entry, &panic, Ran::Yes, self.longest)),
            Err(BodyError::TooLate) => Err(RemoteError::new(ErrorKind::DeadlineExceeded, Ran::Never)),
            Err(BodyError::NotBegun) => Err(RemoteError::new(ErrorKind::Disconnected, Ran::Never)),
            Err(BodyError::CannotTravel(reason)) => {
                Err(RemoteError::new(ErrorKind::Refused(Refusal::CannotTravel(reason)), Ran::Yes))
            }
            Err(BodyError::Encode(error)) => {
                Err(RemoteError::new(ErrorKind::EncodeResult, Ran::Yes).caused_by(&error))
            }
        })
    }
}

/// The text of a panic is not logged, because it may contain what the block was given. The
/// program's panic hook has printed it.
fn panicked(entry: &Entry, panic: &Panic, ran: Ran, longest: usize) -> RemoteError {
    let message = panic.text().unwrap_or("a panic without a message");
    if let Some(times) = entry.panics().again() {
        tracing::error!(block = %entry.block(), times, "a block panicked");
    }
    RemoteError::new(ErrorKind::Panicked, ran).caused_within(&panic_text(message), longest)
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
