//! The runtime of a peer: the paused clock of tokio, and tasks of its process.

use std::fmt;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Waker};

use distributed_scope_core::Moment;
use distributed_scope_core::peer::{self, Notice, Platform};
use futures_channel::oneshot;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use crate::clock::Clock;
use crate::control::Order;
use crate::process::Process;
use crate::weather::Weather;

pub(crate) type Shared = peer::Shared<Sim>;
pub(crate) type Link = peer::Link<Sim>;
pub(crate) type Connection = peer::Connection<Sim>;

/// A peer of a [`Net`](crate::Net).
pub(crate) struct Sim {
    process: Process,
    orders: mpsc::UnboundedSender<Order>,
    clock: Arc<Clock>,
    weather: Arc<Weather>,
}

impl Sim {
    pub(crate) fn new(
        process: Process,
        orders: mpsc::UnboundedSender<Order>,
        clock: Arc<Clock>,
        weather: Arc<Weather>,
    ) -> Self {
        Self { process, orders, clock, weather }
    }

    pub(crate) fn process(&self) -> &Process {
        &self.process
    }

    /// Sends an order to the control plane. If that has ended, so has the peer.
    pub(crate) fn order(&self, order: Order) {
        let _ = self.orders.send(order);
    }
}

impl fmt::Debug for Sim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sim").field("process", &self.process).finish_non_exhaustive()
    }
}

impl Platform for Sim {
    type Task = Task;
    type Kill = Cut;
    type Sleep = tokio::time::Sleep;

    fn now(&self) -> Moment {
        Moment::after_origin(if self.is_home() { self.clock.elapsed() } else { self.clock.last() })
    }

    fn sleep_until(&self, moment: Moment) -> tokio::time::Sleep {
        tokio::time::sleep_until(self.clock.instant(moment))
    }

    fn spawn_here(&self, task: impl Future<Output = ()> + 'static) -> Task {
        Task(self.process.spawn_here(task))
    }

    fn spawn(&self, task: Pin<Box<dyn Future<Output = ()> + Send>>) {
        self.process.spawn(task);
    }

    fn run_blocking(&self, work: Box<dyn FnOnce() + Send>) {
        // The clock does not advance while it runs.
        tokio::task::spawn_blocking(work);
    }

    fn is_home(&self) -> bool {
        self.process.home().is_here()
    }

    fn go_home(&self, work: impl FnOnce() + Send + 'static) {
        self.process.home().send(work);
    }

    fn may_go_on(&self) -> bool {
        let mut consume = pin!(tokio::task::coop::consume_budget());
        consume.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready()
    }

    fn random(&self) -> [u8; 32] {
        self.weather.random_bytes()
    }

    fn tell(&self, notice: Notice<Self>) {
        self.order(Order::Take(notice));
    }
}

/// A task of a process.
#[derive(Debug)]
pub(crate) struct Task(AbortHandle);

impl peer::Task for Task {
    fn abort(&self) {
        self.0.abort();
    }
}

/// Ends a connection from outside.
#[derive(Debug)]
pub(crate) struct Cut(pub(crate) oneshot::Sender<()>);

impl peer::Kill for Cut {
    fn now(self) {
        // The connection may have ended already.
        let _ = self.0.send(());
    }
}
