//! Runs the blocks that a peer calls on itself: without a socket, and without a task unless the
//! block waits.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use bytes::Bytes;
use futures_channel::oneshot;

use crate::block::Block;
use crate::call::blocking::Lease;
use crate::call::here::Context;
use crate::call::pending::{Carried, Carrier, Ending, Pending};
use crate::call::request::Request;
use crate::channel::handle::Handles;
use crate::error::{ErrorKind, Ran, Refusal, RemoteError};
use crate::peer::execute::detached::{Detached, Place};
use crate::peer::execute::running::{Ready, Running};
use crate::peer::{Platform, Shared, Task};
use crate::util::lock::Mutex;
use crate::util::time::Deadline;
use crate::wire::codec::Codec;
use crate::wire::frame::{CallId, Ends, HEAD};

/// Runs a block for the peer itself.
pub(in crate::peer) fn run<P: Platform>(shared: &Arc<Shared<P>>, request: &mut Request) -> Pending {
    let limit = shared.limits().max_hops;
    if request.hop >= limit {
        return Pending::ended(Err(RemoteError::refused(Refusal::TooManyHops(limit))));
    }
    let (size, limit) = (request.frame.len(), shared.limits().max_message);
    if size > limit {
        return Pending::ended(Err(RemoteError::new(ErrorKind::TooLarge { size, limit }, Ran::Never)));
    }
    let work = OwnCall {
        shared: Arc::clone(shared),
        captures: {
            let frame = request.frame.share();
            frame.slice(HEAD..frame.len() - Ends::size(request.handles.len()))
        },
        handles: std::mem::take(&mut request.handles),
        codec: request.codec,
        block: request.block,
        deadline: request.deadline,
        hop: request.hop,
        is_detached: request.is_detached,
    };
    // A block need not be `Send`, so it runs where tasks need not be either.
    if shared.platform().is_home() { run_here(work) } else { run_at_home(work) }
}

/// Runs the block in place if the running task has budget left. So a loop of calls that never have
/// to wait lets other tasks run, like a loop over a channel does.
fn run_here<P: Platform>(mut work: OwnCall<P>) -> Pending {
    let mut task = None;
    let mut running = match work.begin(&mut task) {
        Ok(running) => running,
        Err(error) => return Pending::ended(Err(error)),
    };
    if work.shared.platform().may_go_on()
        && let Poll::Ready(ending) = running.poll_once()
    {
        return Pending::ended(fitting(&work.shared, ending));
    }
    let (sender, receiver) = oneshot::channel();
    let task = task.unwrap_or_default();
    task.spawn(running, &work, sender);
    Pending::Carried(Carried::new(task, CallId(0), receiver))
}

fn run_at_home<P: Platform>(mut work: OwnCall<P>) -> Pending {
    let (sender, receiver) = oneshot::channel();
    let task = Arc::new(OwnTask::<P>::default());
    let carrier = Arc::clone(&task);
    let shared = Arc::clone(&work.shared);
    // If that home no longer exists, the sender is dropped, and the call ends as disconnected.
    shared.platform().go_home(move || match work.begin(&mut Some(Arc::clone(&task))) {
        Err(error) => drop(sender.send(Err(error))),
        Ok(running) => task.spawn(running, &work, sender),
    });
    Pending::Carried(Carried::new(carrier, CallId(0), receiver))
}

/// The outcome of a call, with the message limit that also applies to results of other peers.
fn fitting<P: Platform>(shared: &Shared<P>, ending: Ending) -> Ending {
    let mut payload = ending?;
    let table = Ends::size(payload.handles.len());
    if table > 0 {
        let len = payload.bytes.len() - table;
        payload.bytes.truncate(len);
    }
    let (size, limit) = (payload.bytes.len() + HEAD, shared.limits().max_message);
    match size > limit {
        true => Err(RemoteError::new(ErrorKind::TooLarge { size, limit }, Ran::Yes)),
        false => Ok(payload),
    }
}

/// A call of a peer on itself, before it runs.
struct OwnCall<P: Platform> {
    shared: Arc<Shared<P>>,
    captures: Bytes,
    handles: Handles,
    codec: Codec,
    block: &'static Block,
    deadline: Deadline,
    hop: u8,
    is_detached: bool,
}

impl<P: Platform> OwnCall<P> {
    /// A call that runs on the blocking pool refers to its `task`, which is created for that if it
    /// does not exist yet.
    fn begin(&mut self, task: &mut Option<Arc<OwnTask<P>>>) -> Result<Running, RemoteError> {
        let registry = self.shared.registry();
        let entry = registry.find(self.block.id, self.block.fingerprint()).map_err(RemoteError::refused)?;
        let context = Context {
            host: Arc::clone(&self.shared) as _,
            caller: self.shared.id(),
            session: None,
            principal: None,
            deadline: if self.is_detached { Deadline::never() } else { self.deadline },
            hop: self.hop + 1,
            block: Some(entry.block()),
            keep: None,
        };
        let handles = std::mem::take(&mut self.handles);
        let handles = if handles.is_empty() { handles } else { handles.arrived_here() };
        let ready = Ready::read(context, entry, &self.captures, handles, self.codec, 0)?;
        if !self.captures.is_empty() && ready.is_late(|| self.shared.now()) {
            return Err(RemoteError::new(ErrorKind::DeadlineExceeded, Ran::Never));
        }
        Ok(ready.run(|| {
            let task = (!self.is_detached).then(|| Arc::clone(task.get_or_insert_default()));
            Box::new(OnPool { task, _place: Detached::enter(&self.shared) })
        }))
    }
}

/// What such a call holds until it ends on the blocking pool.
struct OnPool<P: Platform> {
    /// `None` if it begins even after it was cancelled.
    task: Option<Arc<OwnTask<P>>>,
    _place: Place<P>,
}

impl<P: Platform> Lease for OnPool<P> {
    fn may_begin(&self) -> bool {
        self.task.as_ref().is_none_or(|task| !matches!(*task.0.lock(), State::Cancelled))
    }
}

/// The task of such a call, while it waits.
struct OwnTask<P: Platform>(Mutex<State<P::Task>>);

enum State<T> {
    NotYet,
    Runs(T),
    Cancelled,
}

impl<P: Platform> Default for OwnTask<P> {
    fn default() -> Self {
        Self(Mutex::new(State::NotYet))
    }
}

impl<P: Platform> OwnTask<P> {
    fn spawn(&self, running: Running, work: &OwnCall<P>, sender: oneshot::Sender<Ending>) {
        let mut state = self.0.lock();
        if let State::Cancelled = *state
            && !work.is_detached
        {
            return;
        }
        let shared = Arc::clone(&work.shared);
        let deadline = work.deadline;
        let task = if work.is_detached {
            // The block is a separate task, which only the end of the peer ends.
            let (done, is_done) = oneshot::channel();
            Detached::spawn(&shared, async move {
                // The caller may no longer wait: the block has run to completion all the same.
                let _ = done.send(running.await);
            });
            let ending = async move {
                let gone = |_| Err(RemoteError::new(ErrorKind::Disconnected, Ran::Maybe));
                is_done.await.unwrap_or_else(gone)
            };
            work.shared.platform().spawn_here(answer(shared, deadline, ending, sender))
        } else {
            work.shared.platform().spawn_here(answer(shared, deadline, running, sender))
        };
        *state = State::Runs(task);
    }
}

/// Sends the outcome of the call, at its deadline at the latest.
async fn answer<P: Platform>(
    shared: Arc<Shared<P>>,
    deadline: Deadline,
    ending: impl Future<Output = Ending>,
    sender: oneshot::Sender<Ending>,
) {
    let ending = match deadline.moment() {
        None => ending.await,
        Some(moment) => {
            let mut ending = pin!(ending);
            let mut sleep = pin!(shared.platform().sleep_until(moment));
            poll_fn(|cx| match ending.as_mut().poll(cx) {
                Poll::Ready(ending) => Poll::Ready(ending),
                Poll::Pending => sleep
                    .as_mut()
                    .poll(cx)
                    .map(|()| Err(RemoteError::new(ErrorKind::DeadlineExceeded, Ran::Maybe))),
            })
            .await
        }
    };
    // The caller may no longer exist.
    let _ = sender.send(fitting(&shared, ending));
}

impl<P: Platform> Carrier for OwnTask<P> {
    fn cancel(&self, _: CallId) {
        if let State::Runs(task) = std::mem::replace(&mut *self.0.lock(), State::Cancelled) {
            task.abort();
        }
    }
}
