//! The environment of a page: one thread, its timers and tasks, and a task as the control plane.

use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use distributed_scope_core::Moment;
use distributed_scope_core::peer::{self, Kill, Notice, Platform, Task};
use futures_channel::{mpsc, oneshot};
use futures_util::future::{AbortHandle, abortable};
use wasm_bindgen_futures::spawn_local;

use crate::clock;
use crate::control::Order;
use crate::sleep::Sleep;
use crate::wake_up::{self, WakeUp};

pub(crate) type Shared = peer::Shared<Browser>;
pub(crate) type Link = peer::Link<Browser>;
pub(crate) type Connection = peer::Connection<Browser>;

/// The page, as its peer uses it.
#[derive(Debug)]
pub(crate) struct Browser {
    control: mpsc::UnboundedSender<Order>,
}

impl Browser {
    pub(crate) fn new(control: mpsc::UnboundedSender<Order>) -> Self {
        Self { control }
    }

    /// Sends an order to the control plane. If the control plane has ended, so has the peer, and
    /// the order is dropped.
    pub(crate) fn order(&self, order: Order) {
        let _ = self.control.unbounded_send(order);
    }
}

thread_local! {
    static TURNS: Cell<u8> = const { Cell::new(0) };
}

impl Platform for Browser {
    type Task = LocalTask;
    type Kill = Cut;
    type Sleep = Sleep;

    fn now(&self) -> Moment {
        clock::now()
    }

    fn wall_clock(&self) -> Duration {
        clock::wall()
    }

    fn sleep_until(&self, moment: Moment) -> Sleep {
        Sleep::until(moment)
    }

    fn pause_until(&self, moment: Moment) -> Sleep {
        Sleep::until(moment).or_until_awake()
    }

    fn first_pause_until(&self, moment: Moment) -> Sleep {
        if wake_up::is_hidden() { Sleep::until(self.now()) } else { self.pause_until(moment) }
    }

    fn until_woken(&self) -> impl Future<Output = ()> + 'static {
        let mut wake_up = WakeUp::listen();
        async move { wake_up.next().await }
    }

    fn spawn_here(&self, task: impl Future<Output = ()> + 'static) -> LocalTask {
        let (task, handle) = abortable(task);
        // It does not matter whether it has ended or was aborted.
        spawn_local(async move {
            let _ = task.await;
        });
        LocalTask(handle)
    }

    fn spawn(&self, task: Pin<Box<dyn Future<Output = ()> + Send>>) {
        spawn_local(task);
    }

    fn is_home(&self) -> bool {
        // There is no other thread.
        true
    }

    fn go_home(&self, work: impl FnOnce() + Send + 'static) {
        spawn_local(async move {
            work();
        });
    }

    fn may_go_on(&self) -> bool {
        // The same budget as a task of tokio.
        TURNS.with(|turns| {
            turns.set((turns.get() + 1) % 128);
            turns.get() != 0
        })
    }

    fn tell(&self, notice: Notice<Self>) {
        self.order(Order::Take(notice));
    }
}

/// A task of the page.
#[derive(Debug)]
pub(crate) struct LocalTask(AbortHandle);

impl Task for LocalTask {
    fn abort(&self) {
        self.0.abort();
    }
}

/// Ends a connection from outside.
#[derive(Debug)]
pub(crate) struct Cut(pub(crate) oneshot::Sender<()>);

impl Kill for Cut {
    fn now(self) {
        // The connection may have ended already.
        let _ = self.0.send(());
    }
}
