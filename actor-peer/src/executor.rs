//! Runs blocks: guarded against panics, polled once where the call arrived, and as tasks after that.
//!
//! Most blocks end at the first poll, and then need no task. Those that wait become tasks of this thread, never
//! futures of an actor: an actor polls all of its futures whenever it wakes.

use std::any::Any;
use std::error::Error;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{self, Poll, Waker, ready};

use actix_rt::Arbiter;
use bytes::Bytes;
use distributed_scope_core::frame::{CallId, HEAD, Invoke};
use distributed_scope_core::here::{Context, Scoped};
use distributed_scope_core::pending::{Carried, Carrier, Ending, Payload, Pending};
use distributed_scope_core::registry::{Body, BodyError, Entry};
use distributed_scope_core::{Codec, Deadline, ErrorKind, Ran, Refusal, RemoteError, Request};
use futures_channel::oneshot;
use futures_util::FutureExt;
use futures_util::future::CatchUnwind;
use parking_lot::Mutex;
use tokio::task::AbortHandle;
use tracing::Instrument;
use tracing::instrument::Instrumented;

use crate::clock;
use crate::peer::Shared;
use crate::session::Link;

/// Runs a block that another peer called, and has the session send how it ended.
pub(crate) fn run_for_session(link: &Arc<Link>, invoke: Invoke, deadline: Deadline) {
    let shared = link.shared();
    let caller = link.remote();
    let (call, is_detached) = (invoke.call, invoke.is_detached);
    // Nobody's deadline ends what goes on without anybody.
    let deadline = if is_detached { Deadline::never() } else { deadline };
    let running = shared.exposed(invoke.block, invoke.fingerprint).and_then(|entry| {
        let codec = Codec::from_number(invoke.codec).ok_or(Refusal::UnknownCodec(invoke.codec))?;
        Ok((entry, codec))
    });
    let running = running.map_err(RemoteError::refused).and_then(|(entry, codec)| {
        let context = Context {
            host: Arc::clone(shared) as _,
            caller,
            principal: None,
            deadline,
            hop: invoke.hop + 1,
            block: Some(entry.block()),
        };
        Running::begin(context, entry, &invoke.captures, codec, HEAD)
    });
    let ending = match running {
        Err(error) => {
            tracing::debug!(%caller, call = call.0, %error, "call refused");
            Err(error)
        }
        Ok(mut running) => match running.poll_once() {
            Poll::Ready(ending) => ending,
            Poll::Pending => {
                let task = run_as_task(link, call, running);
                // A task that is not kept is not aborted.
                if !is_detached {
                    link.keep_task(call, task);
                }
                return;
            }
        },
    };
    link.reply(call, ending);
}

fn run_as_task(link: &Arc<Link>, call: CallId, running: Running) -> AbortHandle {
    let session = Arc::clone(link);
    let task = actix_rt::spawn(async move {
        let ending = running.await;
        session.reply(call, ending);
    });
    task.abort_handle()
}

/// Runs a block that this peer called on itself: without a socket, and without a task unless the block waits.
pub(crate) fn run_for_self(shared: &Arc<Shared>, request: &Request) -> Pending {
    let limit = shared.limits().hops;
    if request.hop >= limit {
        return Pending::ended(Err(RemoteError::refused(Refusal::TooManyHops(limit))));
    }
    let work = OwnWork {
        shared: Arc::clone(shared),
        captures: request.frame.slice(HEAD..),
        codec: request.codec,
        block: request.block,
        deadline: request.deadline,
        hop: request.hop,
        is_detached: request.is_detached,
    };
    // A block need not be `Send`: it runs on an arbiter. Away from any, the peer's own takes it.
    if Arbiter::try_current().is_some() {
        return match work.begin() {
            Err(error) => Pending::ended(Err(error)),
            Ok(mut running) => match may_run_in_place().then(|| running.poll_once()) {
                Some(Poll::Ready(ending)) => Pending::ended(ending),
                Some(Poll::Pending) | None => {
                    let (sender, receiver) = oneshot::channel();
                    let task = Arc::new(OwnTask::default());
                    task.spawn(running, &work, sender);
                    Pending::Carried(Carried::new(task, CallId(0), receiver))
                }
            },
        };
    }
    let (sender, receiver) = oneshot::channel();
    let task = Arc::new(OwnTask::default());
    let carrier = Arc::clone(&task);
    // If the arbiter has stopped, the sender is dropped, and the call ends as disconnected.
    let _ = shared.arbiter().spawn_fn(move || match work.begin() {
        Err(error) => drop(sender.send(Err(error))),
        Ok(running) => task.spawn(running, &work, sender),
    });
    Pending::Carried(Carried::new(carrier, CallId(0), receiver))
}

/// Takes one unit of the running task's budget. Without any left, a block does not run in place but as a task: so a loop
/// of calls that never have to wait lets other tasks run, like a loop over a channel does.
fn may_run_in_place() -> bool {
    let mut consume = pin!(tokio::task::coop::consume_budget());
    consume.as_mut().poll(&mut task::Context::from_waker(Waker::noop())).is_ready()
}

/// A call of a peer on itself, before it runs.
struct OwnWork {
    shared: Arc<Shared>,
    captures: Bytes,
    codec: Codec,
    block: &'static distributed_scope_core::Block,
    deadline: Deadline,
    hop: u8,
    is_detached: bool,
}

impl OwnWork {
    fn begin(&self) -> Result<Running, RemoteError> {
        let entry = self
            .shared
            .registry()
            .find(self.block.id, self.block.fingerprint())
            .map_err(RemoteError::refused)?;
        let context = Context {
            host: Arc::clone(&self.shared) as _,
            caller: self.shared.id(),
            principal: None,
            deadline: if self.is_detached { Deadline::never() } else { self.deadline },
            hop: self.hop + 1,
            block: Some(entry.block()),
        };
        Running::begin(context, entry, &self.captures, self.codec, 0)
    }
}

/// The task of a call of a peer on itself, while it waits.
#[derive(Default)]
struct OwnTask(Mutex<OwnTaskState>);

#[derive(Default)]
enum OwnTaskState {
    #[default]
    NotYet,
    Runs(AbortHandle),
    Cancelled,
}

impl OwnTask {
    fn spawn(&self, running: Running, work: &OwnWork, sender: oneshot::Sender<Ending>) {
        let mut state = self.0.lock();
        if let OwnTaskState::Cancelled = *state
            && !work.is_detached
        {
            return;
        }
        let ending = if work.is_detached {
            let (done, is_done) = oneshot::channel();
            actix_rt::spawn(async move {
                // Perhaps nobody waits any longer: the block has run to its end all the same.
                let _ = done.send(running.await);
            });
            let gone = |_| Err(RemoteError::new(ErrorKind::Disconnected, Ran::Maybe));
            is_done.map(move |ending| ending.unwrap_or_else(gone)).left_future()
        } else {
            running.right_future()
        };
        let deadline = work.deadline.moment();
        let task = actix_rt::spawn(async move {
            let ending = match deadline {
                None => ending.await,
                Some(moment) => match tokio::time::timeout_at(clock::instant(moment).into(), ending).await {
                    Ok(ending) => ending,
                    Err(_) => Err(RemoteError::new(ErrorKind::DeadlineExceeded, Ran::Maybe)),
                },
            };
            // The caller may be gone.
            let _ = sender.send(ending);
        });
        *state = OwnTaskState::Runs(task.abort_handle());
    }
}

impl Carrier for OwnTask {
    fn cancel(&self, _: CallId) {
        if let OwnTaskState::Runs(task) = std::mem::replace(&mut *self.0.lock(), OwnTaskState::Cancelled) {
            task.abort();
        }
    }
}

/// A block that has begun, and ends in something that can be sent.
struct Running {
    body: CatchUnwind<AssertUnwindSafe<Instrumented<Scoped<Body>>>>,
    codec: Codec,
    entry: &'static Entry,
}

impl Running {
    /// Decodes the captures. An error means that nothing of the block ran.
    fn begin(
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
        let body = AssertUnwindSafe(Scoped::new(Arc::new(context), body).instrument(span)).catch_unwind();
        Ok(Self { body, codec, entry })
    }

    fn poll_once(&mut self) -> Poll<Ending> {
        Pin::new(self).poll(&mut task::Context::from_waker(Waker::noop()))
    }
}

impl Future for Running {
    type Output = Ending;

    fn poll(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Ending> {
        let codec = self.codec;
        Poll::Ready(match ready!(Pin::new(&mut self.body).poll(cx)) {
            Ok(Ok(bytes)) => Ok(Payload { codec, bytes: bytes.into() }),
            Ok(Err(BodyError::Raised(raised))) => Err(RemoteError::raised(raised)),
            Ok(Err(BodyError::Encode(error))) => {
                Err(RemoteError::new(ErrorKind::EncodeResult, Ran::Yes).caused_by(&error))
            }
            Err(panic) => {
                log_panic(self.entry, &*panic);
                Err(RemoteError::new(ErrorKind::Panicked, Ran::Yes))
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
