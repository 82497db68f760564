//! Runs the blocks that other peers call: the first poll where the call arrived, and later polls
//! in a task.
//!
//! Most blocks end at the first poll, and then need no task. Before anything of a call is decoded,
//! it is checked that the block exists in this version, is exposed, and may run for this caller.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as Poller, Poll, Waker, ready};

use bytes::Bytes;

use crate::auth::{Attempt, Authorize, Denied, Principal};
use crate::block::{Block, BlockId};
use crate::call::blocking::Lease;
use crate::call::here::Context;
use crate::call::pending::Ending;
use crate::channel::handle::Handles;
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

/// The target of log lines that each call causes. The rate of all other lines is limited, whatever
/// other peers do.
pub(in crate::peer) const CALLS: &str = "distributed_scope::calls";

/// A call of another peer, as far as its end needs it.
#[derive(Clone, Copy)]
struct Served {
    call: CallId,
    block: BlockId,
    /// When the call began, if that is logged.
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

/// The path of a block, if this program has the block.
fn name_of<P: Platform>(link: &Link<P>, block: BlockId) -> Option<&'static str> {
    link.shared().registry().block(block).map(|block| block.path)
}

/// Runs a block, and sends its outcome through the session.
pub(in crate::peer) fn run<P: Platform>(link: &Arc<Link<P>>, invoke: Invoke, deadline: Deadline) {
    let (call, is_detached) = (Served::begin(link, &invoke), invoke.is_detached);
    // If the call is refused, the ends are dropped, which the other side learns.
    let handles = if invoke.ends.is_some() { link.take_handles(invoke.call) } else { Handles::default() };
    let requested = match Requested::find(link, invoke, handles, deadline) {
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

/// A call of a block that may run, judged by its description.
struct Requested {
    invoke: Invoke,
    handles: Handles,
    deadline: Deadline,
    entry: &'static Entry,
    codec: Codec,
    principal: Option<Principal>,
}

impl Requested {
    fn find<P: Platform>(
        link: &Link<P>,
        invoke: Invoke,
        handles: Handles,
        deadline: Deadline,
    ) -> Result<Self, Refusal> {
        let entry = link.shared().exposed(invoke.block, invoke.fingerprint)?;
        let principal = link.principal();
        // This check is first, because a refused version reveals the fields of the block's types.
        entry.block().requires.check(principal.as_ref())?;
        entry.in_version(invoke.fingerprint)?;
        let codec = Codec::from_number(invoke.codec).ok_or(Refusal::UnknownCodec(invoke.codec))?;
        Ok(Self { invoke, handles, deadline, entry, codec, principal })
    }

    fn attempt<P: Platform>(&self, link: &Link<P>) -> Attempt {
        Attempt { block: self.entry.block(), caller: link.remote(), principal: self.principal.clone() }
    }

    /// The same call with its own copy of the captures, because it has to wait. It no longer
    /// shares the buffer that was read from the socket.
    fn alone(mut self) -> Self {
        if self.invoke.captures.len() <= CHUNK {
            self.invoke.captures = Bytes::copy_from_slice(&self.invoke.captures);
        }
        self
    }

    /// Memory is counted at once for large captures, and for every block that runs on the blocking
    /// pool.
    fn begin<P: Platform>(self, link: &Arc<Link<P>>) -> Result<(Running, Memory), RemoteError> {
        let Self { invoke, handles, deadline, entry, codec, principal } = self;
        let context = Context {
            host: Arc::clone(link.shared()) as _,
            caller: link.remote(),
            session: Some(link.id()),
            principal,
            // A detached block continues without its caller, so the caller's deadline does not end
            // it.
            deadline: if invoke.is_detached { Deadline::never() } else { deadline },
            hop: invoke.hop + 1,
            block: Some(entry.block()),
            keep: None,
        };
        let ready = Ready::read(context, entry, &invoke.captures, handles, codec, HEAD)?;
        // Decoding captures takes time. A call whose deadline has passed is not begun.
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

/// What a block on the blocking pool holds until it ends there: its place among the blocks that
/// draining waits for, and its memory.
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

/// Asks the program's authorization. Its code may panic like a block's, and a panic must not allow
/// the call.
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

/// Captures of at least this size are counted before their block runs. Smaller ones need not be,
/// because most blocks do not wait for anything.
const LARGE: usize = 16 << 10;

/// The approximate memory of a waiting block besides its captures and the future of its task: the
/// rest of the task, its context, its entries in tables.
const TASK: usize = 1024;

/// The memory of a block.
enum Memory {
    /// This many bytes, which are counted if the block waits.
    Uncounted(usize),
    Held(Held),
}

impl Memory {
    /// Counts the memory, with a task whose future has size `task`.
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

/// The future of a block's task. An `async` block would store it twice.
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
        // Memory for its result may be available only then.
        *held = None;
        end(link, *call, ending);
        Poll::Ready(())
    }
}

/// Polls a block once in place, and moves it to a task if it waits.
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

/// Sends the outcome of a call, with as much of an error as the caller may receive.
fn end<P: Platform>(link: &Arc<Link<P>>, call: Served, ending: Ending) {
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

/// The texts of refusals are not logged: they may contain what was sent.
#[cold]
fn refused<P: Platform>(link: &Link<P>, call: Served, error: &RemoteError) {
    let shared = link.shared();
    let Some(left_out) = shared.lines().refused_calls.next(shared.now()) else { return };
    let (peer, caller, reason) = (shared.id(), link.remote(), error.kind().code());
    let (block, principal) = (name_of(link, call.block), link.principal());
    let principal = principal.as_ref().map(Principal::subject);
    tracing::info!(%peer, %caller, principal, call = call.call.0, block, reason, left_out, "call refused");
}
