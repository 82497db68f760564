//! The environment of an Actix peer: arbiters, the timers of tokio, and the peer actor as control
//! plane.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Weak;
use std::task::{Context, Waker};
use std::time::Duration;

use actix::{Actor, Addr};
use actix_rt::{Arbiter, ArbiterHandle};
use distributed_scope_core::Moment;
use distributed_scope_core::peer::{self, Notice, Platform, Task};
use tokio::task::AbortHandle;

use crate::actor::{PeerActor, Tell};
use crate::clock;
use crate::connection::Kill;
use crate::gate::Gate;

/// The state shared by all handles, sessions and blocks of one Actix peer.
pub(crate) type Shared = peer::Shared<Actix>;

/// The arbiter of a peer, its actor, and its checks of connecting clients.
pub(crate) struct Actix {
    arbiter: ArbiterHandle,
    actor: Addr<PeerActor>,
    gate: Gate,
}

impl Actix {
    /// Creates it on the current arbiter and starts the actor of the peer there.
    pub(crate) fn new(peer: &Weak<Shared>, gate: Gate) -> Self {
        Self { arbiter: Arbiter::current(), actor: PeerActor::new(Weak::clone(peer)).start(), gate }
    }

    pub(crate) fn actor(&self) -> &Addr<PeerActor> {
        &self.actor
    }

    pub(crate) fn gate(&self) -> &Gate {
        &self.gate
    }
}

impl Platform for Actix {
    type Task = LocalTask;
    type Kill = Kill;
    type Sleep = tokio::time::Sleep;

    fn now(&self) -> Moment {
        clock::now()
    }

    fn wall_clock(&self) -> Duration {
        clock::wall()
    }

    fn sleep_until(&self, moment: Moment) -> tokio::time::Sleep {
        tokio::time::sleep_until(clock::instant(moment).into())
    }

    fn spawn_here(&self, task: impl Future<Output = ()> + 'static) -> LocalTask {
        LocalTask(actix_rt::spawn(task).abort_handle())
    }

    fn spawn(&self, task: Pin<Box<dyn Future<Output = ()> + Send>>) {
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn(task)),
            // Outside of a runtime, the peer's own arbiter runs it.
            Err(_) => drop(self.arbiter.spawn(task)),
        }
    }

    fn run_blocking(&self, work: Box<dyn FnOnce() + Send>) {
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn_blocking(work)),
            Err(_) => work(),
        }
    }

    fn is_home(&self) -> bool {
        Arbiter::try_current().is_some()
    }

    fn go_home(&self, work: impl FnOnce() + Send + 'static) {
        // A stopped arbiter drops it.
        let _ = self.arbiter.spawn_fn(work);
    }

    fn may_go_on(&self) -> bool {
        let mut consume = pin!(tokio::task::coop::consume_budget());
        consume.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready()
    }

    fn tell(&self, notice: Notice<Self>) {
        self.actor.do_send(Tell(notice));
    }
}

/// A task of an arbiter.
pub(crate) struct LocalTask(AbortHandle);

impl Task for LocalTask {
    fn abort(&self) {
        self.0.abort();
    }
}
