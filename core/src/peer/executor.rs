//! Runs the blocks that other peers call: once where the call arrived, and as a task after that.
//!
//! Most blocks end at the first poll, and then need no task. Before anything of a call is decoded, it is asked whether the block
//! is there, in this version, exposed, and may run for this caller.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as Poller, Poll, Waker};

use super::running::{Running, guarded};
use super::{Link, Platform};
use crate::auth::{Attempt, Authorize, Denied, Principal};
use crate::codec::Codec;
use crate::error::{ErrorKind, Refusal, RemoteError};
use crate::frame::{CallId, HEAD, Invoke};
use crate::here::Context;
use crate::pending::Ending;
use crate::registry::Entry;
use crate::time::Deadline;

/// Runs a block, and has the session send how it ended.
pub(super) fn run<P: Platform>(link: &Arc<Link<P>>, invoke: Invoke, deadline: Deadline) {
    let (call, is_detached) = (invoke.call, invoke.is_detached);
    let requested = match Requested::find(link, invoke, deadline) {
        Ok(requested) => requested,
        Err(refusal) => return end(link, call, Err(RemoteError::refused(refusal))),
    };
    match link.shared().authorize() {
        None => match requested.begin(link) {
            Ok(running) => drive(link, call, is_detached, running),
            Err(error) => end(link, call, Err(error)),
        },
        Some(authorize) => {
            let asked = ask(Arc::clone(authorize), requested.attempt(link));
            let session = Arc::clone(link);
            let running = Box::pin(async move {
                asked.await.map_err(RemoteError::refused)?;
                requested.begin(&session)?.await
            });
            drive(link, call, is_detached, running);
        }
    }
}

/// A call of a block that may run, as far as its description says.
struct Requested {
    invoke: Invoke,
    deadline: Deadline,
    entry: &'static Entry,
    codec: Codec,
    principal: Option<Principal>,
}

impl Requested {
    fn find<P: Platform>(link: &Link<P>, invoke: Invoke, deadline: Deadline) -> Result<Self, Refusal> {
        let entry = link.shared().exposed(invoke.block, invoke.fingerprint)?;
        let principal = link.principal();
        // First, because a refused version reveals the fields of the block's types.
        entry.block().requires.check(principal.as_ref())?;
        entry.in_version(invoke.fingerprint)?;
        let codec = Codec::from_number(invoke.codec).ok_or(Refusal::UnknownCodec(invoke.codec))?;
        Ok(Self { invoke, deadline, entry, codec, principal })
    }

    fn attempt<P: Platform>(&self, link: &Link<P>) -> Attempt {
        Attempt { block: self.entry.block(), caller: link.remote(), principal: self.principal.clone() }
    }

    fn begin<P: Platform>(self, link: &Link<P>) -> Result<Running, RemoteError> {
        let Self { invoke, deadline, entry, codec, principal } = self;
        let context = Context {
            host: Arc::clone(link.shared()) as _,
            caller: link.remote(),
            principal,
            // Nobody's deadline ends what goes on without anybody.
            deadline: if invoke.is_detached { Deadline::never() } else { deadline },
            hop: invoke.hop + 1,
            block: Some(entry.block()),
        };
        Running::begin(context, entry, &invoke.captures, codec, HEAD)
    }
}

/// Asks the program. Its code may panic like a block's, which must not be an answer in the caller's favour.
async fn ask(authorize: Arc<dyn Authorize>, attempt: Attempt) -> Result<(), Refusal> {
    let block = attempt.block;
    match guarded(async move { authorize.authorize(attempt).await }).await {
        Ok(verdict) => verdict.map_err(Refusal::from),
        Err(_) => {
            tracing::error!(%block, "`authorize` panicked");
            Err(Denied::unavailable("the one who decides has failed").into())
        }
    }
}

/// Polls what runs once in place, and leaves it to a task if it waits.
fn drive<P: Platform>(
    link: &Arc<Link<P>>,
    call: CallId,
    is_detached: bool,
    mut running: impl Future<Output = Ending> + Unpin + 'static,
) {
    match Pin::new(&mut running).poll(&mut Poller::from_waker(Waker::noop())) {
        Poll::Ready(ending) => end(link, call, ending),
        Poll::Pending => {
            let session = Arc::clone(link);
            let task = link.shared().platform().spawn_here(async move {
                let ending = running.await;
                end(&session, call, ending);
            });
            // A task that is not kept is not aborted.
            if !is_detached {
                link.keep_task(call, task);
            }
        }
    }
}

/// Sends how a call ended, with as much of an error as the caller is to be told.
fn end<P: Platform>(link: &Link<P>, call: CallId, ending: Ending) {
    let ending = ending.map_err(|error| {
        if let ErrorKind::Refused(_) = error.kind() {
            let (peer, caller, code) = (link.shared().id(), link.remote(), error.kind().code());
            tracing::debug!(%peer, %caller, call = call.0, code, "call refused");
        }
        link.shared().disclosure().of(error)
    });
    link.reply(call, ending);
}
