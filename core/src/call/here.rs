//! What a block can reach on the peer that runs it.
//!
//! The context follows a block through its awaits and into the calls that it makes. It does not
//! follow into tasks that the block spawns by other means; inside those, [`peer`] and its siblings
//! panic, and a call finds its peer only if the process has exactly one, or by a [`handle`] that
//! the block has moved there.

use std::any::type_name;
use std::cell::RefCell;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{self, Poll};
use std::time::Duration;

use crate::auth::Principal;
use crate::block::Block;
use crate::call::host::{Host, Keep};
use crate::identity::peer_id::PeerId;
use crate::util::time::Deadline;
use crate::wire::frame::SessionId;

/// The peer that runs this block.
///
/// # Panics
///
/// Outside of a block and of `peer.run(..)`.
#[must_use]
pub fn peer() -> PeerId {
    expect("peer").host.id()
}

/// The peer that made the call which runs this block: the peer of *this* hop, not of the first
/// one. Inside `peer.run(..)` and outside of any block, it is the peer itself.
///
/// # Panics
///
/// Outside of a block and of `peer.run(..)`.
#[must_use]
pub fn caller() -> PeerId {
    expect("caller").caller
}

/// The principal of the caller of this block, as authenticated when its session was opened. It is
/// the caller of *this* hop, not of the first one. `None` if the caller is not authenticated, if
/// it is this peer itself, and inside `peer.run(..)`.
///
/// # Panics
///
/// Outside of a block and of `peer.run(..)`.
#[must_use]
pub fn principal() -> Option<Principal> {
    expect("principal").principal.clone()
}

/// The principal of the caller of this block, for a block that requires one.
///
/// To require a principal *before* any of the block runs, write `#[block(require =
/// authenticated)]` instead.
///
/// # Errors
///
/// If the caller of this hop is not authenticated. Raise it with `?`.
///
/// # Panics
///
/// Outside of a block and of `peer.run(..)`.
pub fn require_principal() -> Result<Principal, NoPrincipal> {
    let context = expect("require_principal");
    context.principal.clone().ok_or_else(|| NoPrincipal { caller: context.caller, peer: context.host.id() })
}

/// The error of a block that requires a principal, if its caller is not authenticated.
#[derive(Clone, Debug, thiserror::Error)]
#[error(
    "peer {peer} does not know who its caller {caller} is: give that peer `.authenticate(..)`, and let the caller connect with a token"
)]
pub struct NoPrincipal {
    caller: PeerId,
    peer: PeerId,
}

/// Whether the caller's connection is lost: its session waits for a new connection or is over.
///
/// If the kernel reports it (the caller's process has ended, or its machine has closed the
/// connection), it is known at once. If the network path is silent, it is known within
/// [`Limits::idle_timeout`](crate::Limits::idle_timeout).
///
/// The block keeps running meanwhile, and its result waits for the caller to reconnect, at most
/// [`Limits::resume_window`](crate::Limits::resume_window); after that it is dropped, unless its
/// call was [detached](crate::Call::detach). Work that is useless without a caller checks this, or
/// waits for [`until_caller_is_away`].
///
/// False if the peer itself is the caller, and inside `peer.run(..)`.
///
/// # Panics
///
/// Outside of a block and of `peer.run(..)`.
#[must_use]
pub fn caller_is_away() -> bool {
    let context = expect("caller_is_away");
    context.session.is_some_and(|session| context.host.is_away(context.caller, session))
}

/// Waits until the [caller is away](caller_is_away); returns at once if it is. Where the peer
/// itself is the caller, it waits for ever.
///
/// # Cancel safety
///
/// Dropping the future loses nothing.
///
/// # Panics
///
/// When it is called outside of a block and of `peer.run(..)`. The future may be awaited anywhere.
///
/// # Examples
///
/// ```no_run
/// # use distributed_scope_core::here;
/// # async fn next_part() -> Option<u32> { None }
/// # async fn f() {
/// while let Some(part) = next_part().await {
///     if here::caller_is_away() && !here::until_caller_is_back().await {
///         return; // no caller reads the rest
///     }
///     println!("{part}");
/// }
/// # }
/// ```
pub fn until_caller_is_away() -> impl Future<Output = ()> + Send + 'static {
    let context = expect("until_caller_is_away");
    let away = context.session.map(|session| context.host.until_away(context.caller, session));
    async move {
        match away {
            Some(away) => away.await,
            None => std::future::pending().await,
        }
    }
}

/// Waits until the [caller is not away](caller_is_away) any more, and returns true; returns at
/// once if it is not. False if it does not come back: the session is over.
///
/// # Cancel safety
///
/// Dropping the future loses nothing.
///
/// # Panics
///
/// When it is called outside of a block and of `peer.run(..)`. The future may be awaited anywhere.
pub fn until_caller_is_back() -> impl Future<Output = bool> + Send + 'static {
    let context = expect("until_caller_is_back");
    let back = context.session.map(|session| context.host.until_back(context.caller, session));
    async move {
        match back {
            Some(back) => back.await,
            None => true,
        }
    }
}

/// The time that this block has left, or `None` when its caller set no deadline.
///
/// # Panics
///
/// Outside of a block and of `peer.run(..)`.
#[must_use]
pub fn deadline() -> Option<Duration> {
    let context = expect("deadline");
    context.deadline.remaining(context.host.now())
}

/// A handle of the peer that runs this block: for tasks that the block spawns, which make calls of
/// their own. Like a `Peer`, it keeps the peer's sessions open.
///
/// ```no_run
/// # use distributed_scope_core::{Call, RemoteError, here};
/// # fn spawn(task: impl Future<Output = ()> + Send + 'static) {}
/// # async fn in_a_block(call: Call<u32>) {
/// let peer = here::handle();
/// spawn(async move {
///     let _ = peer.run(call).await;
/// });
/// # }
/// ```
///
/// # Panics
///
/// Outside of a block and of `peer.run(..)`.
#[must_use]
pub fn handle() -> Handle {
    Handle { root: Arc::new(Context::root(Arc::clone(&expect("handle").host))) }
}

/// Whether the peer that runs this block accepts no new calls, because its program is about to
/// end. Long-running blocks should then finish.
///
/// # Panics
///
/// Outside of a block and of `peer.run(..)`.
#[must_use]
pub fn is_draining() -> bool {
    expect("is_draining").host.draining().is_set()
}

/// Waits until the peer that runs this block accepts no new calls. Dropping the future stops the
/// wait.
///
/// ```no_run
/// # use distributed_scope_core::here;
/// # async fn next_line() -> Option<String> { None }
/// # async fn select<A, B>(a: impl Future<Output = A>, b: impl Future<Output = B>) {}
/// # async fn in_a_block() {
/// select(here::draining(), next_line()).await; // `select!` of tokio or futures
/// # }
/// ```
///
/// # Panics
///
/// Outside of a block and of `peer.run(..)`.
pub fn draining() -> impl Future<Output = ()> + Send + 'static {
    let host = Arc::clone(&expect("draining").host);
    async move { host.draining().wait().await }
}

/// A peer, to make calls with from anywhere in its process.
#[derive(Clone)]
pub struct Handle {
    root: Arc<Context>,
}

impl Handle {
    /// The peer's id.
    #[must_use]
    pub fn id(&self) -> PeerId {
        self.root.host.id()
    }

    /// Runs a future on behalf of the peer: the calls that it makes are the peer's calls, and no
    /// block's. Dropping the future drops the calls in it, which cancels their blocks.
    pub fn run<F: Future>(&self, future: F) -> impl Future<Output = F::Output> + use<F> {
        Scoped::new(Arc::clone(&self.root), future)
    }

    pub(crate) fn host(&self) -> &Arc<dyn Host> {
        &self.root.host
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").field("peer", &self.id()).finish()
    }
}

/// The value of type `T` that the peer was given with `Peer::builder(..).data(value)`: the
/// counterpart of `web::Data` in actix-web.
///
/// # Errors
///
/// When this peer was given no `T`. Raise it with `?`: the caller sees which type is missing
/// where.
///
/// # Panics
///
/// Outside of a block and of `peer.run(..)`.
pub fn data<T: Send + Sync + 'static>() -> Result<Arc<T>, MissingData> {
    let context = expect("data");
    let missing = || MissingData { type_name: type_name::<T>(), peer: context.host.id() };
    context.host.data().get().ok_or_else(missing)
}

/// A block asked for data that its peer does not have.
#[derive(Clone, Debug, thiserror::Error)]
#[error("peer {peer} has no data of type {type_name}: give it one with `Peer::builder(..).data(..)`")]
pub struct MissingData {
    type_name: &'static str,
    peer: PeerId,
}

fn expect(what: &str) -> Arc<Context> {
    match current() {
        Some(context) => context,
        None => panic!("`here::{what}()` was called outside of a block and of `peer.run(..)`"),
    }
}

/// Where a piece of code runs, and for whom.
#[derive(Clone)]
pub struct Context {
    /// The peer that runs it.
    pub host: Arc<dyn Host>,
    /// The peer that called it.
    pub caller: PeerId,
    /// The session that brought the call; none if it came from the peer itself.
    pub session: Option<SessionId>,
    /// Who that is, as far as it was proved.
    pub principal: Option<Principal>,
    /// When it must have ended.
    pub deadline: Deadline,
    /// How many hops lie behind it.
    pub hop: u8,
    /// The block, unless it is the code that makes the first call.
    pub block: Option<&'static Block>,
    /// What is no block of another peer keeps its peer from ending.
    #[expect(dead_code, reason = "it is kept to be dropped")]
    pub(crate) keep: Option<Keep>,
}

impl Context {
    /// The context of code that runs on `host` and has no caller.
    ///
    /// It keeps the peer from ending, and so does whatever runs in it.
    #[must_use]
    pub fn root(host: Arc<dyn Host>) -> Self {
        let (caller, keep) = (host.id(), Some(Keep::new(Arc::clone(&host))));
        Self {
            keep,
            host,
            caller,
            session: None,
            principal: None,
            deadline: Deadline::never(),
            hop: 0,
            block: None,
        }
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("peer", &self.host.id())
            .field("caller", &self.caller)
            .field("deadline", &self.deadline)
            .field("hop", &self.hop)
            .finish_non_exhaustive()
    }
}

thread_local! {
    static CURRENT: RefCell<Option<Arc<Context>>> = const { RefCell::new(None) };
}

/// The context of the code that is running.
pub(crate) fn current() -> Option<Arc<Context>> {
    CURRENT.with_borrow(Clone::clone)
}

/// Lends a context to the thread, which has it until this is dropped, on a panic too. Then the one
/// before it is back.
struct Entered<'a> {
    lent: &'a mut Option<Arc<Context>>,
    before: Option<Arc<Context>>,
}

impl<'a> Entered<'a> {
    fn new(lent: &'a mut Option<Arc<Context>>) -> Self {
        let before = CURRENT.replace(lent.take());
        Self { lent, before }
    }
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        *self.lent = CURRENT.replace(self.before.take());
    }
}

pin_project_lite::pin_project! {
    /// A future that runs in a context. It is dropped in it, too: what a block's values do in
    /// their `drop` belongs to
    /// the block.
    pub struct Scoped<F> {
        // The thread has it while the future runs.
        context: Option<Arc<Context>>,
        #[pin]
        future: Option<F>,
    }

    impl<F> PinnedDrop for Scoped<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            let _entered = Entered::new(this.context);
            this.future.set(None);
        }
    }
}

impl<F: Future> Scoped<F> {
    /// `future`, to be run in `context`.
    pub fn new(context: Arc<Context>, future: F) -> Self {
        Self { context: Some(context), future: Some(future) }
    }
}

impl<F: Future> Future for Scoped<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<F::Output> {
        let mut this = self.project();
        let _entered = Entered::new(this.context);
        match this.future.as_mut().as_pin_mut() {
            Some(future) => {
                let poll = future.poll(cx);
                if poll.is_ready() {
                    this.future.set(None);
                }
                poll
            }
            None => panic!("a future was polled after it ended"),
        }
    }
}

impl<F> fmt::Debug for Scoped<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scoped").field("context", &self.context).finish_non_exhaustive()
    }
}
