//! A session as the rest of the peer sees it, from any thread and whatever connection carries it.
//!
//! The state machine is behind one lock. The lock is held for the time it takes to number a frame,
//! or to copy some to where they are written: 32 small ones or a chunk, and at most 16 KiB more. A
//! call made on the session's own thread, and the reply to it, cross no thread and no mailbox.
//!
//! | module | idea |
//! |---|---|
//! | here | calls, and what follows from a message |
//! | `carriage` | the connections that carry the session, one at a time |
//! | `channels` | the session as channels see it |
//! | `life` | time, draining, the end |
//! | `state` | what stands behind the lock, and who is woken when it changes |
//! | `seen` | what others see of it: its state, and what is logged |
//! | `slept` | whether this machine slept |
//! | `stall` | blocks that hold their thread, and calls that come meanwhile |
//! | `turn` | who is not, because it looks by itself |

mod carriage;
mod channels;
mod life;
mod seen;
mod slept;
pub(super) mod stall;
mod state;
pub(crate) mod ticker;
mod turn;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_channel::oneshot;

pub use self::carriage::Epoch;
pub(super) use self::carriage::{Comer, Room, Taken, Waiting};
pub(super) use self::slept::Clocks;
use self::state::{State, Waiter};
pub(super) use self::turn::Turn;
use super::{Kill, Notice, Platform, Shared, Task};
use crate::auth::{Principal, Visitor};
use crate::call::pending::{Carried, Carrier, Ending, Pending};
use crate::call::request::Request;
use crate::channel::handle::Handles;
use crate::error::RemoteError;
use crate::identity::peer_id::PeerId;
use crate::limits::account::Account;
use crate::peer::control::differences::Differences;
use crate::peer::control::skew::Skew;
use crate::peer::execute::remote;
use crate::session::{Dead, Effect, Session, Violation};
use crate::util::lock::{Mutex, RwLock};
use crate::util::time::Moment;
use crate::wire::frame::{CallId, Introduction, SessionId, Token};
use crate::wire::handshake;

/// One session.
pub struct Link<P: Platform> {
    shared: Arc<Shared<P>>,
    remote: PeerId,
    id: SessionId,
    token: Token,
    /// The other end's visitor, as the connection that carries the session has shown.
    visitor: RwLock<Visitor>,
    state: Mutex<State<P>>,
    /// The connection, counted from 1, whose writer is idle; [`NEWS`] if output may be pending.
    quiet: AtomicU64,
    /// The memory that is held for the peer.
    account: Arc<Account>,
    /// Whether calls wait until everything is read.
    is_held_up: AtomicBool,
    /// How the other side's blocks differ from ours.
    differences: Differences,
    /// The path may lose large packets.
    is_narrow: AtomicBool,
    /// When the session was begun, by the wall clock.
    since: Duration,
    is_dialled: bool,
    /// Whether the other side reads the reason of the session's end.
    is_sent_reasons: bool,
    /// Whether it was open once.
    was_open: AtomicBool,
    /// The number of the next channel whose end this side sends.
    next_channel: AtomicU64,
}

/// Output may be pending.
const NEWS: u64 = 0;

/// A packet of this many bytes gets through on any path.
const FITS: usize = 1000;

/// Which side made a session.
pub(super) enum Origin {
    /// We did, for a peer that dialled.
    Ours,
    /// The other side did, when we dialled, and sent us its ticket.
    Theirs((SessionId, Token)),
}

fn new_ticket<P: Platform>(platform: &P) -> (SessionId, Token) {
    let (id, token) = (platform.random(), platform.random());
    let id = *id.first_chunk().expect("16 of 32 bytes");
    (SessionId(id), Token(token))
}

impl<P: Platform> Link<P> {
    /// A session with the peer that introduced itself, on a connection that `kill` ends.
    pub(super) fn start(
        shared: &Arc<Shared<P>>,
        them: &Introduction,
        visitor: Visitor,
        origin: Origin,
        kill: P::Kill,
    ) -> Arc<Self> {
        let (limits, now) = (Arc::clone(shared.limits()), shared.now());
        let is_dialled = matches!(origin, Origin::Theirs(_));
        let (mut session, (id, token)) = match origin {
            Origin::Theirs(ticket) => (Session::dialled(limits, them, now), ticket),
            Origin::Ours => (Session::accepted(limits, them, now), new_ticket(shared.platform())),
        };
        if them.blocks != shared.us().blocks() {
            // The other side notices this, too, and sends us its catalogue.
            session.tell_blocks(&shared.registry().catalogue());
        }
        let above = visitor.account.iter().chain([shared.account()]).cloned();
        let account = Account::of_session(shared.limits(), above);
        let link = Arc::new(Self {
            shared: Arc::clone(shared),
            remote: them.peer,
            id,
            token,
            visitor: RwLock::new(visitor),
            state: Mutex::new(State::new(session, account.hold(0), kill)),
            account,
            is_held_up: AtomicBool::new(false),
            quiet: AtomicU64::new(NEWS),
            differences: Differences::default(),
            is_narrow: AtomicBool::new(false),
            since: shared.platform().wall_clock(),
            is_dialled,
            is_sent_reasons: them.has(Introduction::END_REASON),
            was_open: AtomicBool::new(false),
            next_channel: AtomicU64::new(u64::from(!is_dialled)),
        });
        link.state.lock().session.set_line(link.weak_line());
        // The task ends with the session.
        let _ = shared.platform().spawn_here(ticker::tick(Arc::clone(&link)));
        link
    }

    /// The peer at this end.
    pub fn shared(&self) -> &Arc<Shared<P>> {
        &self.shared
    }

    /// The peer at the other end.
    pub fn remote(&self) -> PeerId {
        self.remote
    }

    /// The principal of that peer, as far as it was proved.
    pub fn principal(&self) -> Option<Principal> {
        self.visitor.read().principal.clone()
    }

    /// Whether a connection with this principal may resume the session. While the session waits
    /// for its peer, also whether a new session with this principal may replace it. The principal
    /// has to be the same, unless the session has none.
    pub(super) fn gives_way_to(&self, somebody: Option<&Principal>) -> bool {
        let visitor = self.visitor.read();
        visitor
            .principal
            .as_ref()
            .is_none_or(|known| somebody.is_some_and(|somebody| known.is_same_as(somebody)))
    }

    /// The memory that is held for the peer.
    pub(super) fn account(&self) -> &Arc<Account> {
        &self.account
    }

    /// The session's id.
    pub fn id(&self) -> SessionId {
        self.id
    }

    /// What another connection sends, or has to send, to resume this session.
    pub(super) fn ticket(&self) -> (SessionId, Token) {
        (self.id, self.token)
    }

    /// The blocks that the other side has in another version.
    pub fn skews(&self) -> &[Skew] {
        self.differences.skews()
    }

    /// Sends a call `now`. An error means that nothing was sent.
    pub(super) fn call(self: &Arc<Self>, now: Moment, request: &mut Request) -> Result<Pending, RemoteError> {
        let (sender, receiver) = oneshot::channel();
        let mut boarded = self.board(&request.handles);
        let called = self.with(|state| state.session.call_with(now, request, sender, &mut boarded));
        if let Some(boarded) = boarded {
            boarded.unused();
        }
        let call = called?;
        Ok(Pending::Carried(Carried::new(Arc::clone(self) as Arc<dyn Carrier>, call, receiver)))
    }

    /// Takes a message that arrived on one of its connections, and performs its effects.
    pub(super) fn receive(
        self: &Arc<Self>,
        epoch: Epoch,
        arrived: Moment,
        message: Bytes,
    ) -> Result<Room, Violation> {
        let (effect, has_opened, is_backpressured, has_more) = self.with(|state| {
            state.passed(message.len());
            let was_open = state.session.is_open();
            let effect = match state.epoch == epoch {
                true => state.session.receive(arrived, message)?,
                false => None,
            };
            let effect = effect.or_else(|| state.session.next_run());
            let has_opened = state.session.is_open() != was_open;
            let has_more = state.session.has_channel_events();
            Ok::<_, Violation>((effect, has_opened, state.session.is_backpressured(), has_more))
        })?;
        if has_opened {
            self.opened();
        }
        if let Some(effect) = effect
            && let Some(effect) = self.unless_held_up(arrived, effect)
        {
            self.perform(effect);
        }
        if has_more {
            self.perform_channel_events();
        }
        Ok(if is_backpressured { Room::None } else { Room::Free })
    }

    /// The other side has the session, too: calls that wait for it can continue.
    pub(super) fn opened(&self) {
        match self.was_open.swap(true, Ordering::Relaxed) {
            false => self.log("session open"),
            true => self.log("session resumed"),
        }
        self.shared.platform().tell(Notice::Joined(self.remote));
        self.shared.changes().add();
    }

    /// Sends the outcome of a block.
    pub(super) fn reply(self: &Arc<Self>, call: CallId, mut ending: Ending) {
        // Ends of channels are dropped without the lock.
        let handles = ending.as_mut().map(|payload| std::mem::take(&mut payload.handles)).unwrap_or_default();
        let mut boarded = self.board(&handles);
        self.with(|state| {
            state.tasks.remove(&call);
            state.passed(ending.as_ref().map_or(0, |payload| payload.bytes.len()));
            state.session.reply_with(call, ending, &mut boarded);
        });
        if let Some(boarded) = boarded {
            boarded.unused();
        }
    }

    /// The ends of channels that a call has brought.
    pub(super) fn take_handles(&self, call: CallId) -> Handles {
        self.with(|state| state.session.take_handles(call))
    }

    /// Stores the task of a block that had to wait, so that the call can be cancelled.
    pub(super) fn keep_task(&self, call: CallId, task: P::Task) {
        self.with(|state| {
            state.count();
            if state.session.is_running(call) {
                state.tasks.insert(call, task);
            } else {
                task.abort();
            }
        });
    }

    /// A block begins on the blocking pool, and can no longer be interrupted. Returns false if its
    /// call is over.
    pub(super) fn begin_uninterrupted(&self, call: CallId) -> bool {
        self.with(|state| state.session.begin_uninterrupted(call))
    }

    /// The block has ended there.
    pub(super) fn ended(&self, call: CallId) {
        self.with(|state| state.session.ended(call));
    }

    /// A block has begun that continues when its call is over.
    pub(super) fn began_detached(&self) {
        self.with(|state| state.count());
    }

    /// The session waits for another connection.
    pub(in crate::peer) fn drop_connection(self: &Arc<Self>) {
        let (epoch, kill) = self.with(|state| (state.epoch, state.kill.take()));
        self.detach(epoch);
        if let Some(kill) = kill {
            kill.now();
        }
    }

    pub(super) fn perform(self: &Arc<Self>, effect: Effect<Waiter>) {
        let (peer, remote) = (self.shared.id(), self.remote);
        match effect {
            Effect::Run(invoke, deadline) => remote::run(self, invoke, deadline),
            // A caller that no longer exists does not need its result.
            Effect::Complete(waiter, ending) => drop(waiter.send(ending)),
            Effect::Abort(call) => {
                if let Some(task) = self.with(|state| state.tasks.remove(&call)) {
                    tracing::debug!(target: remote::CALLS, %peer, caller = %remote, call = call.0, "call cancelled");
                    task.abort();
                }
            }
            Effect::DropConnection(dead) => {
                tracing::warn!(%peer, %remote, %dead, "connection dropped");
                if matches!(dead, Dead::Unanswered | Dead::Unacknowledged) {
                    self.suspect_path();
                    self.with(|state| state.was_stuck = state.session.kept() > FITS);
                }
                self.drop_connection();
            }
            Effect::Channel(event) => event.perform(),
            Effect::Expired => {
                self.log("session expired");
                self.leave();
            }
            Effect::TheyLeave => tracing::info!(%peer, %remote, "remote peer is going away"),
            Effect::Catalogue(part) => self.differences.tell(&self.shared, remote, part),
            Effect::TheyEnd(end) if handshake::is_end_of(self.id, &self.token, &end) => {
                self.closed_by_them(end.reason);
            }
            Effect::TheyEnd(_) => {
                tracing::warn!(%peer, %remote, "connection dropped: session end not authenticated");
                self.drop_connection();
            }
        }
    }
}

impl<P: Platform> Carrier for Link<P> {
    fn cancel(&self, call: CallId) {
        let (waiter, has_events) = self.with(|state| {
            let waiter = state.session.cancel(call);
            (waiter, state.session.has_channel_events())
        });
        drop(waiter);
        if has_events {
            self.perform_channel_events();
        }
    }
}

impl<P: Platform> fmt::Debug for Link<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link")
            .field("local", &self.shared.id())
            .field("remote", &self.remote)
            .finish_non_exhaustive()
    }
}
