//! Runs the blocks that other peers call: once where the call arrived, and as a task after that.
//!
//! Most blocks end at the first poll, and then need no task.

use std::sync::Arc;
use std::task::Poll;

use super::running::Running;
use super::{Link, Platform};
use crate::codec::Codec;
use crate::error::{Refusal, RemoteError};
use crate::frame::{CallId, HEAD, Invoke};
use crate::here::Context;
use crate::time::Deadline;

/// Runs a block, and has the session send how it ended.
pub(super) fn run<P: Platform>(link: &Arc<Link<P>>, invoke: Invoke, deadline: Deadline) {
    let (call, is_detached) = (invoke.call, invoke.is_detached);
    let ending = match begin(link, &invoke, deadline) {
        Err(error) => {
            tracing::debug!(caller = %link.remote(), call = call.0, %error, "call refused");
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

fn begin<P: Platform>(
    link: &Arc<Link<P>>,
    invoke: &Invoke,
    deadline: Deadline,
) -> Result<Running, RemoteError> {
    let shared = link.shared();
    let entry = shared.exposed(invoke.block, invoke.fingerprint).map_err(RemoteError::refused)?;
    let principal = link.principal();
    entry.block().requires.check(principal.as_ref()).map_err(RemoteError::refused)?;
    let codec = Codec::from_number(invoke.codec)
        .ok_or_else(|| RemoteError::refused(Refusal::UnknownCodec(invoke.codec)))?;
    let context = Context {
        host: Arc::clone(shared) as _,
        caller: link.remote(),
        principal,
        // Nobody's deadline ends what goes on without anybody.
        deadline: if invoke.is_detached { Deadline::never() } else { deadline },
        hop: invoke.hop + 1,
        block: Some(entry.block()),
    };
    Running::begin(context, entry, &invoke.captures, codec, HEAD)
}

fn run_as_task<P: Platform>(link: &Arc<Link<P>>, call: CallId, running: Running) -> P::Task {
    let session = Arc::clone(link);
    link.shared().platform().spawn_here(async move {
        let ending = running.await;
        session.reply(call, ending);
    })
}
