//! The platform of a simulated peer: virtual time, tasks of its process, and a mailbox for its
//! control plane.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Poll, Waker};
use std::time::Duration;

use distributed_scope_core::peer::{self, Admitted, Join, Notice, Platform, Roster};
use distributed_scope_core::{Moment, Reject};

use crate::network::Cut;
use crate::runtime::{self, Process, Sleep};
use crate::world;

pub(crate) type Shared = peer::Shared<Sim>;
pub(crate) type Link = peer::Link<Sim>;
pub(crate) type Connection = peer::Connection<Sim>;

#[derive(Debug)]
pub(crate) struct Sim {
    process: Process,
}

/// The control plane of a process.
struct Control {
    peer: Weak<Shared>,
    roster: Roster<Sim>,
}

thread_local! {
    static CONTROLS: RefCell<BTreeMap<Process, Control>> = const { RefCell::new(BTreeMap::new()) };
    /// What ends connections. They are named, because a handle has to be `Send`.
    static CUTS: RefCell<Vec<Cut>> = const { RefCell::new(Vec::new()) };
    /// For how long all machines have slept, which their wall clocks alone have noticed.
    static SLEPT: Cell<u64> = const { Cell::new(0) };
    /// How often all pages became visible again, and the tasks that wait for that.
    static WOKEN: RefCell<(u32, Vec<Waker>)> = const { RefCell::new((0, Vec::new())) };
}

/// Notifies all pages that they are visible again.
pub(crate) fn wake() {
    WOKEN.with_borrow_mut(|(wakes, wakers)| {
        *wakes += 1;
        wakers.drain(..).for_each(Waker::wake);
    });
}

/// All machines have slept for this long.
pub(crate) fn slept(micros: u64) {
    SLEPT.set(SLEPT.get() + micros);
}

impl Sim {
    pub(crate) fn new(process: Process, peer: &Weak<Shared>) -> Self {
        let control = Control { peer: Weak::clone(peer), roster: Roster::default() };
        CONTROLS.with_borrow_mut(|controls| controls.insert(process, control));
        Self { process }
    }

    pub(crate) fn process(&self) -> Process {
        self.process
    }
}

/// Asks the control plane of a process, if there still is one.
pub(crate) fn control<T>(
    process: Process,
    act: impl FnOnce(&Arc<Shared>, &mut Roster<Sim>) -> T,
) -> Option<T> {
    // What it does may tell it something, which goes through its mailbox.
    let mut control = CONTROLS.with_borrow_mut(|controls| controls.remove(&process))?;
    let result = control.peer.upgrade().map(|shared| act(&shared, &mut control.roster));
    CONTROLS.with_borrow_mut(|controls| controls.insert(process, control));
    result
}

/// The control plane of a process has ended. Returns what was left in it.
pub(crate) fn end_control(process: Process) -> Option<String> {
    let control = CONTROLS.with_borrow_mut(|controls| controls.remove(&process))?;
    Some(format!("{:?}", control.roster))
}

pub(crate) fn reset() {
    drop(CONTROLS.take());
    drop(CUTS.take());
    SLEPT.set(0);
    drop(WOKEN.take());
}

pub(crate) async fn ask(process: Process, join: Box<Join<Sim>>) -> Result<Admitted<Sim>, Reject> {
    control(process, |shared, roster| roster.join(shared, *join)).unwrap_or(Err(Reject::GoingAway))
}

impl Platform for Sim {
    type Task = Task;
    type Kill = Kill;
    type Sleep = Sleep;

    fn now(&self) -> Moment {
        Moment::after_origin(Duration::from_micros(runtime::now()))
    }

    fn wall_clock(&self) -> Duration {
        self.now().since_origin() + Duration::from_micros(SLEPT.get())
    }

    fn sleep_until(&self, moment: Moment) -> Sleep {
        runtime::sleep_until(moment.since_origin().as_micros() as u64)
    }

    fn until_woken(&self) -> impl Future<Output = ()> + 'static {
        let before = WOKEN.with_borrow(|(wakes, _)| *wakes);
        poll_fn(move |cx| {
            WOKEN.with_borrow_mut(|(wakes, wakers)| {
                if *wakes != before {
                    return Poll::Ready(());
                }
                wakers.push(cx.waker().clone());
                Poll::Pending
            })
        })
    }

    fn spawn_here(&self, task: impl Future<Output = ()> + 'static) -> Task {
        Task(runtime::spawn(self.process, task))
    }

    fn spawn(&self, task: Pin<Box<dyn Future<Output = ()> + Send>>) {
        runtime::spawn(self.process, task);
    }

    fn is_home(&self) -> bool {
        true
    }

    fn go_home(&self, work: impl FnOnce() + Send + 'static) {
        runtime::spawn(self.process, async { work() });
    }

    fn may_go_on(&self) -> bool {
        true
    }

    fn random(&self) -> [u8; 32] {
        let mut bytes = [0; 32];
        for part in bytes.as_chunks_mut::<8>().0 {
            *part = world::with(|world| world.random.next()).to_le_bytes();
        }
        bytes
    }

    fn tell(&self, notice: Notice<Self>) {
        let process = self.process;
        runtime::spawn(process, async move {
            give_up_at(process, control(process, |shared, roster| roster.take(shared, notice)).flatten());
        });
    }
}

/// The control plane's own timer, which ends with it: no task waits for it.
fn give_up_at(process: Process, due: Option<Moment>) {
    if let Some(moment) = due {
        runtime::at(moment.since_origin().as_micros() as u64, move || {
            give_up_at(process, control(process, |_, roster| roster.give_up_late(moment)).flatten());
        });
    }
}

#[derive(Debug)]
pub(crate) struct Task(u64);

impl peer::Task for Task {
    fn abort(&self) {
        runtime::abort(self.0);
    }
}

/// Ends a connection.
#[derive(Debug)]
pub(crate) struct Kill(usize);

impl Kill {
    pub(crate) fn new(cut: Cut) -> Self {
        CUTS.with_borrow_mut(|cuts| {
            cuts.push(cut);
            Self(cuts.len() - 1)
        })
    }
}

impl peer::Kill for Kill {
    fn now(self) {
        let cut = CUTS.with_borrow(|cuts| cuts.get(self.0).cloned());
        if let Some(cut) = cut {
            cut.now();
        }
    }
}
