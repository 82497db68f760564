//! `Call<R>`: what `remote!` evaluates to.

pub(crate) mod blocking;
pub mod here;
pub mod host;
pub mod pending;
pub(crate) mod repeats;
pub(crate) mod request;
pub(crate) mod served;

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{self, Poll, Waker, ready};
use std::time::Duration;

use futures_channel::oneshot;
use serde::{Deserialize, Serialize};

use crate::block::Block;
use crate::block::shape::CannotTravel;
use crate::call::here::Context;
use crate::call::host::{CallReport, Host, Peers};
use crate::call::pending::{Ending, Payload, Pending};
use crate::call::repeats::Repeats;
use crate::call::request::Request;
use crate::channel::handle::Handles;
use crate::channel::scope;
use crate::error::{ErrorKind, Ran, Refusal, RemoteError, panic_text};
use crate::identity::peer_id::PeerId;
use crate::util::guard;
use crate::util::time::{Deadline, Moment};
use crate::wire::codec::{Codec, DecodeError, EncodeError, Written};
use crate::wire::encoded::Encoded;
use crate::wire::frame::HEAD;

/// A call of a block on another peer: the value of `remote!`.
///
/// It is lazy: the captures are encoded, and nothing is sent until it is polled. It is a future,
/// so it can be awaited, joined and selected; **dropping it cancels the block where it runs**, and
/// the calls that the block made. It is `Clone`: a clone is a call of its own, with the same
/// captures, that has not been sent.
///
/// Its output is the value of the block, or a [`RemoteError`] that says what happened and whether
/// the block ran.
///
/// It must be awaited inside `peer.run(..)` or in a block, or in a process that has exactly one
/// peer; anywhere else it ends as [`ErrorKind::NoPeer`].
///
/// ```no_run
/// # use distributed_scope_core::{Call, Ran, RemoteError};
/// # use std::time::Duration;
/// # async fn f(call: Call<u32>) -> Result<(), RemoteError> {
/// let again = call.clone(); // not sent, and with the same captures
/// match call.timeout(Duration::from_secs(2)).await {
///     Ok(value) => println!("{value}"),
///     Err(error) if error.ran() == Ran::Never => println!("{}", again.await?),
///     Err(error) => return Err(error),
/// }
/// # Ok(()) }
/// ```
///
/// # Panics
///
/// When it is polled after it has ended, as futures do.
#[must_use = "a call does nothing until it is awaited or spawned"]
pub struct Call<R> {
    /// Holds the encoded captures before, while and after they are sent, so that a clone can be
    /// sent again.
    request: Request,
    /// Why there are no encoded captures.
    fault: Option<RemoteError>,
    time: Time,
    is_idempotent: bool,
    state: State,
    /// Fixed where the call is made, so that any holder of a call may await it, whatever its
    /// result is.
    decode: fn(Codec, usize, &[u8]) -> Result<R, DecodeError>,
    /// [`Limits::max_decode_memory`](crate::Limits::max_decode_memory) of the peer that makes the
    /// call.
    memory: usize,
}

enum State {
    Unsent,
    Sent(Sent),
    Over,
}

struct Sent {
    context: Arc<Context>,
    pending: Pending,
    started: Moment,
    repeats: Repeats,
}

/// The deadline of a call.
#[derive(Clone, Copy)]
enum Time {
    Default,
    For(Duration),
    Unlimited,
}

impl<R> Call<R> {
    pub(crate) fn new<C>(to: PeerId, block: &'static Block, captures: &C) -> Self
    where
        C: Serialize + ?Sized,
        R: Deserialize<'static>,
    {
        let (codec, frame, handles, fault) = match encoded(block, captures) {
            Ok(Written { codec, bytes, handles }) => (codec, bytes.into(), handles, None),
            Err(fault) => (Codec::default(), Encoded::default(), Handles::default(), Some(fault)),
        };
        let request = Request {
            to,
            block,
            frame,
            handles,
            codec,
            deadline: Deadline::never(),
            hop: 0,
            is_detached: false,
            fails_fast: false,
            is_bound: block.is_without_resume,
        };
        let (time, state) = (Time::Default, State::Unsent);
        Self {
            request,
            fault,
            time,
            is_idempotent: false,
            state,
            decode: Codec::decode_within::<R>,
            memory: 0,
        }
    }

    /// The peer that will run the block.
    #[must_use]
    pub fn peer(&self) -> PeerId {
        self.request.to
    }

    /// The block.
    #[must_use]
    pub fn block(&self) -> &'static Block {
        self.request.block
    }

    /// Ends the call with [`ErrorKind::DeadlineExceeded`] when it takes longer than this, measured
    /// from its first poll; the block is dropped then where it runs. The time is sent in whole
    /// milliseconds, rounded up. A call made by a block ends with the block's own deadline if that
    /// is earlier. Without this, a call has
    /// [`Limits::default_deadline`](crate::Limits::default_deadline).
    pub fn timeout(mut self, duration: Duration) -> Self {
        self.time = Time::For(duration);
        self
    }

    /// Gives the call the deadline of its caller. A call made outside of a block then has no
    /// deadline.
    pub fn without_timeout(mut self) -> Self {
        self.time = Time::Unlimited;
        self
    }

    /// Marks the block as safe to run twice. If the session is lost for good, for example because
    /// the other peer was restarted, the call is sent again within its deadline.
    ///
    /// The first pause before it is sent again is
    /// [`Limits::reconnect_delay`](crate::Limits::reconnect_delay), and each further one is twice
    /// as long. A call is sent again at most 5 times in a row; a call that was in flight for 10 s
    /// begins a new row.
    ///
    /// Without this, such a call ends as [`Disconnected`](ErrorKind::Disconnected), because it is
    /// unknown whether the block ran. A call that was made without a connection was never sent;
    /// it goes to the next session in any case.
    ///
    /// A call that captures a [`Receiver`](crate::Receiver) cannot be sent again, and ends as
    /// [`ErrorKind::EncodeCaptures`] without being sent.
    pub fn idempotent(mut self) -> Self {
        self.is_idempotent = true;
        if self.request.handles.has_receiver() {
            self.fault.get_or_insert_with(cannot_repeat);
        }
        self
    }

    /// Keeps the block running when its caller has stopped waiting: when the call is dropped, its
    /// deadline passes or its caller's connection is gone. The block has no deadline of its
    /// own then, nor do the calls that it makes.
    ///
    /// It runs until its peer is stopped; a draining peer waits for it. Their number is limited by
    /// [`Limits::max_detached`](crate::Limits::max_detached).
    ///
    /// Awaiting the call still ends at the call's deadline.
    pub fn detach(mut self) -> Self {
        self.request.is_detached = true;
        self
    }

    /// Refuses the call at once if it would have to wait for backpressure. If more than
    /// [`Limits::max_queued_bytes`](crate::Limits::max_queued_bytes) waits to be sent, it is
    /// refused as [`Refusal::QueueFull`](crate::Refusal::QueueFull). If
    /// [`Limits::max_calls_in_flight`](crate::Limits::max_calls_in_flight) calls are in flight, it
    /// is refused as [`Refusal::Overloaded`](crate::Refusal::Overloaded).
    ///
    /// Without this it waits, in the order in which calls were made, at most until its deadline.
    pub fn fail_fast(mut self) -> Self {
        self.request.fails_fast = true;
        self
    }

    /// Lets the call end with the connection that it is sent on: as soon as that is lost, as
    /// [`Disconnected`](ErrorKind::Disconnected), where it would wait for another one up to
    /// [`Limits::resume_window`](crate::Limits::resume_window). For callers that have another peer
    /// to ask: the death of a worker's process is known in milliseconds. If the connection is lost
    /// when the call is made, it ends at once and [did not run](RemoteError::ran); if there is no
    /// session yet, it waits for one.
    ///
    /// The block is dropped when the other side comes back or its session is over, unless the call
    /// is [detached](Self::detach). `#[block(without_resume)] { .. }` says the same of all calls
    /// of a block.
    ///
    /// ```no_run
    /// # use distributed_scope_core::{Call, ErrorKind, RemoteError};
    /// # async fn f(call: Call<u32>, other_worker: Call<u32>) -> Result<u32, RemoteError> {
    /// match call.without_resume().await {
    ///     Err(error) if *error.kind() == ErrorKind::Disconnected => other_worker.await,
    ///     result => result,
    /// }
    /// # }
    /// ```
    pub fn without_resume(mut self) -> Self {
        self.request.is_bound = true;
        self
    }

    fn start(&mut self) -> Result<Sent, RemoteError> {
        if let Some(fault) = &self.fault {
            return Err(fault.clone());
        }
        let context = here::current()
            .or_else(|| host::sole().map(|host| Arc::new(Context::root(host))))
            .ok_or_else(|| RemoteError::new(ErrorKind::NoPeer, Ran::Never).caused_by(&Peers::of_process()))?;
        let started = context.host.now();
        let own = match self.time {
            Time::Default => Deadline::at(started + context.host.limits().default_deadline),
            Time::For(duration) => Deadline::at(started + duration),
            Time::Unlimited => Deadline::never(),
        };
        self.memory = context.host.limits().max_decode_memory;
        self.request.deadline = own.earlier(context.deadline);
        self.request.hop = context.hop;
        let pending = Arc::clone(&context.host).start(started, &mut self.request);
        Ok(Sent { context, pending, started, repeats: Repeats::new(started) })
    }

    fn poll_ending(&mut self, cx: &mut task::Context<'_>) -> Poll<Ending> {
        if let State::Unsent = self.state {
            match self.start() {
                Ok(sent) => self.state = State::Sent(sent),
                Err(error) => {
                    self.state = State::Over;
                    return Poll::Ready(Err(error));
                }
            }
        }
        let State::Sent(sent) = &mut self.state else {
            panic!("a call was polled after it ended");
        };
        let ending = loop {
            let ending = ready!(Pin::new(&mut sent.pending).poll(cx));
            // What was never sent can go to the peer's next session; what was, only if that does
            // no harm.
            let would_help = ending.as_ref().is_err_and(|error| {
                *error.kind() == ErrorKind::Disconnected
                    && !self.request.is_bound
                    && (self.is_idempotent || error.ran() == Ran::Never)
            });
            if !would_help {
                break ending;
            }
            let now = sent.context.host.now();
            if self.request.deadline.has_passed(now) {
                break ending;
            }
            let host = Arc::clone(&sent.context.host);
            if ending.as_ref().is_err_and(|error| error.ran() == Ran::Never) {
                sent.pending = host.start(now, &mut self.request);
                continue;
            }
            match sent.repeats.next(now, host.limits().reconnect_delay) {
                Some(moment) if moment <= now => sent.pending = host.start(now, &mut self.request),
                Some(moment) => sent.pending = later(host, moment, self.request.clone()),
                None => break ending,
            }
        };
        if let Some(observer) = sent.context.host.observer() {
            let report = CallReport {
                from: sent.context.host.id(),
                to: self.request.to,
                block: self.request.block,
                hop: sent.context.hop,
                sent: self.request.frame.len() - HEAD,
                received: ending.as_ref().map_or(0, |payload| payload.bytes.len()),
                elapsed: sent.context.host.now().since(sent.started),
                succeeded: ending.is_ok(),
            };
            if guard::run(|| observer.call_ended(&report)).is_err() {
                tracing::error!(block = %self.request.block, "`observe` panicked");
            }
        }
        self.state = State::Over;
        Poll::Ready(ending)
    }
}

/// A call that is made again, then.
fn later(host: Arc<dyn Host>, moment: Moment, mut request: Request) -> Pending {
    Pending::Waiting(Box::pin(async move {
        host.pause_until(moment.min(request.deadline.moment().unwrap_or(moment))).await;
        let now = host.now();
        host.start(now, &mut request).await
    }))
}

/// The encoded captures, or why the call is not made.
#[inline]
fn encoded<C: Serialize + ?Sized>(block: &'static Block, captures: &C) -> Result<Written, RemoteError> {
    match (block.captures_carriage(), block.result_carriage()) {
        (Ok(carriage), Ok(_)) => carriage.encode(HEAD, captures).map_err(|error| cannot_encode(&error)),
        // That of the result would be told after the block has run, by the other side.
        (Err(reason), _) | (_, Err(reason)) => Err(cannot_travel(reason)),
    }
}

/// There is one receiver of a channel.
#[cold]
fn cannot_repeat() -> RemoteError {
    let text = "a call that captures a `Receiver` cannot be cloned or repeated: a channel has one receiver";
    RemoteError::new(ErrorKind::EncodeCaptures, Ran::Never).caused_by(&panic_text(text))
}

#[cold]
fn cannot_encode(error: &EncodeError) -> RemoteError {
    RemoteError::new(ErrorKind::EncodeCaptures, Ran::Never).caused_by(error)
}

#[cold]
fn cannot_decode(error: &(dyn Error + 'static)) -> RemoteError {
    RemoteError::new(ErrorKind::DecodeResult, Ran::Yes).caused_by(error)
}

#[cold]
fn cannot_travel(reason: &CannotTravel) -> RemoteError {
    RemoteError::refused(Refusal::CannotTravel(reason.to_string()))
}

impl<R> Future for Call<R> {
    type Output = Result<R, RemoteError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Self::Output> {
        let ending = ready!(self.poll_ending(cx));
        let value = ending.and_then(|payload| {
            // A value from outside runs code of its type, in the task that awaits it.
            let Payload { codec, bytes, handles } = payload;
            let decode = || {
                let _ends = scope::arriving(handles);
                (self.decode)(codec, self.memory, &bytes)
            };
            match guard::run(decode) {
                Ok(decoded) => decoded.map_err(|error| cannot_decode(&error)),
                Err(_) => Err(cannot_decode(&panic_text("its `Deserialize` panicked"))),
            }
        });
        Poll::Ready(value.map_err(|error| error.at(self.request.to, self.request.block)))
    }
}

impl<R: Send + 'static> Call<R> {
    /// Sends the call now, and lets it run whether or not anybody waits for it: the counterpart of
    /// the original's `go-remote`. Dropping the handle does not cancel it; its deadline does,
    /// which counts from here.
    ///
    /// ```no_run
    /// # use distributed_scope_core::{Call, RemoteError};
    /// # async fn f(call: Call<u32>) -> Result<(), RemoteError> {
    /// let handle = call.spawn(); // on its way
    /// // ... something else meanwhile ...
    /// let value = handle.await?;
    /// # Ok(()) }
    /// ```
    pub fn spawn(mut self) -> Spawned<R> {
        let (sender, receiver) = oneshot::channel();
        let first = Pin::new(&mut self).poll(&mut task::Context::from_waker(Waker::noop()));
        match (first, &self.state) {
            // The receiver is still here: sending cannot fail.
            (Poll::Ready(result), _) => drop(sender.send(result)),
            (Poll::Pending, State::Sent(sent)) => {
                let host = Arc::clone(&sent.context.host);
                host.spawn(Box::pin(async move {
                    // The receiver may have been dropped.
                    let _ = sender.send(self.await);
                }));
            }
            (Poll::Pending, _) => unreachable!("a call that waits has been started"),
        }
        Spawned(receiver)
    }
}

/// A call that was spawned: await it for its result, or drop it to let it go on alone.
///
/// It ends as the call does; [`Disconnected`](ErrorKind::Disconnected) also stands for a runtime
/// that was shut down meanwhile.
#[derive(Debug)]
pub struct Spawned<R>(oneshot::Receiver<Result<R, RemoteError>>);

impl<R> Future for Spawned<R> {
    type Output = Result<R, RemoteError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Self::Output> {
        // The task that held the sender is gone only if its runtime was shut down.
        let gone = |_| Err(RemoteError::new(ErrorKind::Disconnected, Ran::Maybe));
        Pin::new(&mut self.0).poll(cx).map(|result| result.unwrap_or_else(gone))
    }
}

impl<R> Clone for Call<R> {
    /// A call of its own with the same captures. It has not been sent, even if this one has. If
    /// the captures have a [`Receiver`](crate::Receiver), of which there is one, the clone
    /// ends as [`ErrorKind::EncodeCaptures`].
    fn clone(&self) -> Self {
        let (request, mut fault, state) = (self.request.clone(), self.fault.clone(), State::Unsent);
        if request.handles.has_receiver() {
            fault.get_or_insert_with(cannot_repeat);
        }
        let Self { time, is_idempotent, decode, memory, .. } = *self;
        Self { request, fault, time, is_idempotent, state, decode, memory }
    }
}

impl<R> fmt::Debug for Call<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match &self.state {
            State::Unsent => "unsent",
            State::Sent(_) => "sent",
            State::Over => "over",
        };
        write!(f, "Call({} on {}, {state})", self.request.block, self.request.to)
    }
}
