//! Runs the blocks that other peers call: once where the call arrived, and as a task after that.
//!
//! Most blocks end at the first poll, and then need no task. Before anything of a call is decoded,
//! it is asked whether the block is there, in this version, exposed, and may run for this caller.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as Poller, Poll, Waker, ready};

use bytes::Bytes;

use crate::auth::{Attempt, Authorize, Denied, Principal};
use crate::block::{Block, BlockId};
use crate::call::blocking::Lease;
use crate::call::here::Context;
use crate::call::pending::Ending;
use crate::error::{ErrorKind, Ran, Refusal, RemoteError};
use crate::limits::account::Held;
use crate::peer::execute::detached::{self, Detached};
use crate::peer::execute::running::{Ready, Running};
use crate::peer::link::stall;
use crate::peer::{Link, Platform, Shared};
use crate::registry::Entry;
use crate::session::CHUNK;
use crate::util::guard;
use crate::util::time::{Deadline, Moment};
use crate::wire::codec::Codec;
use crate::wire::frame::{CallId, HEAD, Invoke};

/// Where lines are logged of which each call has some. All others are limited, whatever other
/// peers do.
pub(in crate::peer) const CALLS: &str = "distributed_scope::calls";

/// A call of another peer, as its end needs it.
#[derive(Clone, Copy)]
struct Served {
    call: CallId,
    block: BlockId,
    /// When it began, if that is logged.
    begun: Option<Moment>,
}

impl Served {
    fn begin<P: Platform>(link: &Link<P>, invoke: &Invoke) -> Self {
        let Invoke { call, block, hop, .. } = *invoke;
        let is_logged = tracing::enabled!(target: CALLS, tracing::Level::DEBUG);
        Self { call, block, begun: is_logged.then(|| begins(link, call, block, hop)) }
    }
}

#[cold]
fn begins<P: Platform>(link: &Link<P>, call: CallId, block: BlockId, hop: u8) -> Moment {
    let (peer, caller, block) = (link.shared().id(), link.remote(), name_of(link, block));
    tracing::debug!(target: CALLS, %peer, %caller, call = call.0, block, hop, "call begins");
    link.shared().now()
}

/// The path of a block, if this program has it.
fn name_of<P: Platform>(link: &Link<P>, block: BlockId) -> Option<&'static str> {
    link.shared().registry().block(block).map(|block| block.path)
}

/// Runs a block, and has the session send how it ended.
pub(in crate::peer) fn run<P: Platform>(link: &Arc<Link<P>>, invoke: Invoke, deadline: Deadline) {
    let (call, is_detached) = (Served::begin(link, &invoke), invoke.is_detached);
    let requested = match Requested::find(link, invoke, deadline) {
        Ok(requested) => requested,
        Err(refusal) => return end(link, call, Err(RemoteError::refused(refusal))),
    };
    let block = requested.entry.block();
    match link.shared().authorize() {
        None => match requested.begin(link) {
            Ok((running, memory)) => drive(link, call, block, is_detached, running, memory),
            Err(error) => end(link, call, Err(error)),
        },
        Some(authorize) => {
            let asked = ask(Arc::clone(link.shared()), Arc::clone(authorize), requested.attempt(link));
            let (requested, session) = (requested.alone(), Arc::clone(link));
            let size = requested.invoke.captures.len();
            let running = Box::pin(async move {
                asked.await.map_err(RemoteError::refused)?;
                let (running, _memory) = requested.begin(&session)?;
                running.await
            });
            drive(link, call, block, is_detached, running, Memory::Uncounted(size));
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

    /// The same, without what was read from the socket with it: it has to wait.
    fn alone(mut self) -> Self {
        if self.invoke.captures.len() <= CHUNK {
            self.invoke.captures = Bytes::copy_from_slice(&self.invoke.captures);
        }
        self
    }

    /// Large captures are counted at once, and all of a block that runs on the blocking pool.
    fn begin<P: Platform>(self, link: &Arc<Link<P>>) -> Result<(Running, Memory), RemoteError> {
        let Self { invoke, deadline, entry, codec, principal } = self;
        let context = Context {
            host: Arc::clone(link.shared()) as _,
            caller: link.remote(),
            session: Some(link.id()),
            principal,
            // Nobody's deadline ends what goes on without anybody.
            deadline: if invoke.is_detached { Deadline::never() } else { deadline },
            hop: invoke.hop + 1,
            block: Some(entry.block()),
            keep: None,
        };
        let ready = Ready::read(context, entry, &invoke.captures, codec, HEAD)?;
        // Reading captures takes time, and what has none left is not begun.
        if !invoke.captures.is_empty() && ready.is_late(|| link.shared().now()) {
            return Err(RemoteError::new(ErrorKind::DeadlineExceeded, Ran::Never));
        }
        let (size, is_blocking) = (ready.size(), ready.is_blocking());
        let running = |held| ready.run(|| Box::new(OnPool::new(link, invoke.call, held)));
        if size < LARGE && !is_blocking {
            return Ok((running(None), Memory::Uncounted(size)));
        }
        if let Some(full) = link.account().full(size) {
            return Err(RemoteError::refused(Refusal::Full(full)));
        }
        let held = link.account().hold(size);
        Ok(match is_blocking {
            true => (running(Some(held)), Memory::Uncounted(0)),
            false => (running(None), Memory::Held(held)),
        })
    }
}

/// What a block on the blocking pool has until it ends there: its place among those that a peer
/// waits for, and its memory.
struct OnPool<P: Platform> {
    link: Arc<Link<P>>,
    call: CallId,
    _place: detached::Place<P>,
    _held: Option<Held>,
}

impl<P: Platform> OnPool<P> {
    fn new(link: &Arc<Link<P>>, call: CallId, held: Option<Held>) -> Self {
        let place = Detached::enter(link.shared());
        Self { link: Arc::clone(link), call, _place: place, _held: held }
    }
}

impl<P: Platform> Lease for OnPool<P> {
    fn may_begin(&self) -> bool {
        self.link.begin_uninterrupted(self.call)
    }
}

impl<P: Platform> Drop for OnPool<P> {
    fn drop(&mut self) {
        self.link.ended(self.call);
    }
}

/// Asks the program. Its code may panic like a block's, which must not be an answer in the
/// caller's favour.
async fn ask<P: Platform>(
    shared: Arc<Shared<P>>,
    authorize: Arc<dyn Authorize>,
    attempt: Attempt,
) -> Result<(), Refusal> {
    let block = attempt.block;
    match guard::run_async(|| authorize.authorize(attempt)).await {
        Ok(verdict) => verdict.map_err(Refusal::from),
        Err(_) => {
            if let Some(left_out) = shared.lines().panics.next(shared.now()) {
                tracing::error!(%block, left_out, "`authorize` panicked");
            }
            Err(Denied::unavailable("the one who decides has failed").into())
        }
    }
}

/// Captures from this size on are counted before their block runs. Most blocks do not wait for
/// anything, and then smaller ones need not be.
const LARGE: usize = 16 << 10;

/// What a block that waits takes beside its captures and the future of its task, about: the rest
/// of the task, its context, its places in tables.
const TASK: usize = 1024;

/// What a block takes in memory.
enum Memory {
    /// So many bytes, which are counted if it waits.
    Uncounted(usize),
    Held(Held),
}

impl Memory {
    /// Holds it, with a task whose future takes so much.
    fn held<P: Platform>(self, link: &Link<P>, task: usize) -> Held {
        match self {
            Self::Uncounted(size) => link.account().hold(size + TASK + task),
            Self::Held(mut held) => {
                held.set(held.bytes() + TASK + task);
                held
            }
        }
    }
}

/// What runs as a task, to its end. An `async` block would keep it twice.
struct Waits<P: Platform, F> {
    link: Arc<Link<P>>,
    call: Served,
    block: &'static Block,
    running: F,
    held: Option<Held>,
}

impl<P: Platform, F: Future<Output = Ending> + Unpin> Future for Waits<P, F> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Poller<'_>) -> Poll<()> {
        let Self { link, call, block, running, held } = &mut *self;
        let ending = ready!(stall::watched(link.shared(), block, || Pin::new(running).poll(cx)));
        // There may be room for its result only then.
        *held = None;
        end(link, *call, ending);
        Poll::Ready(())
    }
}

/// Polls what runs once in place, and leaves it to a task if it waits.
fn drive<P: Platform>(
    link: &Arc<Link<P>>,
    call: Served,
    block: &'static Block,
    is_detached: bool,
    mut running: impl Future<Output = Ending> + Unpin + 'static,
    memory: Memory,
) {
    let polled = Pin::new(&mut running).poll(&mut Poller::from_waker(Waker::noop()));
    stall::polled(link.shared(), block);
    match polled {
        Poll::Ready(ending) => end(link, call, ending),
        Poll::Pending => {
            let mut task = Waits { link: Arc::clone(link), call, block, running, held: None };
            task.held = Some(memory.held(link, size_of_val(&task)));
            if is_detached {
                Detached::spawn(link.shared(), task);
                link.began_detached();
            } else {
                link.keep_task(call.call, link.shared().platform().spawn_here(task));
            }
        }
    }
}

/// Sends how a call ended, with as much of an error as the caller is to be told.
fn end<P: Platform>(link: &Link<P>, call: Served, ending: Ending) {
    if let Some(begun) = call.begun {
        ends(link, call, begun, &ending);
    }
    let ending = ending.map_err(|error| {
        if let ErrorKind::Refused(_) = error.kind() {
            refused(link, call, &error);
        }
        link.shared().disclosure().of(error)
    });
    link.reply(call.call, ending);
}

#[cold]
fn ends<P: Platform>(link: &Link<P>, call: Served, begun: Moment, ending: &Ending) {
    let shared = link.shared();
    let (peer, caller, block) = (shared.id(), link.remote(), name_of(link, call.block));
    let outcome = ending.as_ref().map_or_else(|error| error.kind().code(), |_| "value");
    let took = shared.now().since(begun);
    tracing::debug!(target: CALLS, %peer, %caller, call = call.call.0, block, outcome, ?took, "call ended");
}

/// The texts of refusals are not logged: they may hold what was sent.
#[cold]
fn refused<P: Platform>(link: &Link<P>, call: Served, error: &RemoteError) {
    let shared = link.shared();
    let Some(left_out) = shared.lines().refused_calls.next(shared.now()) else { return };
    let (peer, caller, reason) = (shared.id(), link.remote(), error.kind().code());
    let (block, principal) = (name_of(link, call.block), link.principal());
    let principal = principal.as_ref().map(Principal::subject);
    tracing::info!(%peer, %caller, principal, call = call.call.0, block, reason, left_out, "call refused");
}
