//! Tasks and timers in virtual time, on one thread: time advances when no task can run.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use parking_lot::Mutex;

/// The process that a task belongs to: it dies with it.
pub(crate) type Process = u32;

/// No schedule comes near it, unless two tasks wake each other for ever.
const MOST_POLLS: u64 = 5_000_000;

type Ready = Arc<Mutex<VecDeque<u64>>>;

#[derive(Default)]
struct Runtime {
    now: u64,
    tasks: BTreeMap<u64, Task>,
    next: u64,
    timers: BTreeMap<(u64, u64), Box<dyn FnOnce()>>,
    ready: Ready,
    polls: u64,
}

struct Task {
    process: Process,
    /// Not there while it is polled.
    future: Option<Pin<Box<dyn Future<Output = ()>>>>,
    waker: Waker,
}

struct TaskWaker {
    task: u64,
    ready: Ready,
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        let mut ready = self.ready.lock();
        if !ready.contains(&self.task) {
            ready.push_back(self.task);
        }
    }
}

thread_local! {
    static RUNTIME: RefCell<Runtime> = RefCell::default();
}

/// Begins at time zero with nothing to do.
pub(crate) fn reset() {
    // What is dropped may add something.
    for _ in 0..3 {
        drop(RUNTIME.take());
    }
}

/// Microseconds since the beginning.
pub(crate) fn now() -> u64 {
    RUNTIME.with_borrow(|runtime| runtime.now)
}

pub(crate) fn spawn(process: Process, future: impl Future<Output = ()> + 'static) -> u64 {
    RUNTIME.with_borrow_mut(|runtime| {
        let task = runtime.next;
        runtime.next += 1;
        let ready = Arc::clone(&runtime.ready);
        let waker = Waker::from(Arc::new(TaskWaker { task, ready }));
        waker.wake_by_ref();
        runtime.tasks.insert(task, Task { process, future: Some(Box::pin(future)), waker });
        task
    })
}

/// Drops a task, if it has not ended.
pub(crate) fn abort(task: u64) {
    // Whatever it owns is dropped when nothing is borrowed.
    let task = RUNTIME.with_borrow_mut(|runtime| runtime.tasks.remove(&task));
    drop(task);
}

/// Drops all tasks of a process.
pub(crate) fn kill(process: Process) {
    let tasks: Vec<_> = RUNTIME.with_borrow_mut(|runtime| {
        let of_it = runtime.tasks.iter().filter(|(_, task)| task.process == process);
        let numbers: Vec<_> = of_it.map(|(number, _)| *number).collect();
        numbers.iter().filter_map(|number| runtime.tasks.remove(number)).collect()
    });
    drop(tasks);
}

/// How many tasks there are.
pub(crate) fn tasks() -> usize {
    RUNTIME.with_borrow(|runtime| runtime.tasks.len())
}

/// Does something at this moment.
pub(crate) fn at(moment: u64, action: impl FnOnce() + 'static) {
    RUNTIME.with_borrow_mut(|runtime| {
        let number = runtime.next;
        runtime.next += 1;
        runtime.timers.insert((moment.max(runtime.now), number), Box::new(action));
    });
}

/// Lets time pass until this moment.
pub(crate) fn run_until(end: u64) {
    loop {
        while poll_next() {}
        let timer = RUNTIME.with_borrow_mut(|runtime| {
            let ((moment, _), _) = runtime.timers.first_key_value()?;
            if *moment > end {
                return None;
            }
            let ((moment, _), action) = runtime.timers.pop_first()?;
            runtime.now = moment;
            Some(action)
        });
        match timer {
            Some(action) => action(),
            None => break RUNTIME.with_borrow_mut(|runtime| runtime.now = end),
        }
    }
}

fn poll_next() -> bool {
    let taken = RUNTIME.with_borrow_mut(|runtime| {
        let number = runtime.ready.lock().pop_front()?;
        runtime.polls += 1;
        assert!(runtime.polls < MOST_POLLS, "tasks wake each other for ever");
        let Some(task) = runtime.tasks.get_mut(&number) else { return Some(None) };
        Some(task.future.take().map(|future| (number, future, task.waker.clone())))
    });
    let Some(taken) = taken else { return false };
    let Some((number, mut future, waker)) = taken else { return true };
    if future.as_mut().poll(&mut Context::from_waker(&waker)).is_ready() {
        drop(future);
        abort(number);
        return true;
    }
    let orphan = RUNTIME.with_borrow_mut(|runtime| match runtime.tasks.get_mut(&number) {
        Some(task) => {
            task.future = Some(future);
            None
        }
        // It was aborted while it ran.
        None => Some(future),
    });
    drop(orphan);
    true
}

/// Ends at a moment.
pub(crate) struct Sleep {
    moment: u64,
    /// The waker of the last task that has polled it.
    waker: Option<Waker>,
}

pub(crate) fn sleep_until(moment: u64) -> Sleep {
    Sleep { moment, waker: None }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if now() >= self.moment {
            return Poll::Ready(());
        }
        // A block is polled once by the task that reads its call, and then by a task of its own.
        if !self.waker.as_ref().is_some_and(|known| known.will_wake(cx.waker())) {
            let waker = cx.waker().clone();
            self.waker = Some(waker.clone());
            at(self.moment, move || waker.wake());
        }
        Poll::Pending
    }
}
