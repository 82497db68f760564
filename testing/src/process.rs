//! The tasks of one peer. They end when the peer is killed.

use std::future::Future;
use std::sync::Arc;
use std::thread::{self, ThreadId};

use parking_lot::Mutex;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

/// Something to do on the thread of the network.
pub(crate) type Work = Box<dyn FnOnce() + Send>;

/// The thread of a network, as other threads reach it.
#[derive(Clone, Debug)]
pub(crate) struct Home {
    thread: ThreadId,
    work: mpsc::UnboundedSender<Work>,
}

impl Home {
    /// The thread that runs this.
    pub(crate) fn here() -> Self {
        let (work, mut orders) = mpsc::unbounded_channel::<Work>();
        tokio::task::spawn_local(async move {
            while let Some(work) = orders.recv().await {
                work();
            }
        });
        Self { thread: thread::current().id(), work }
    }

    pub(crate) fn is_here(&self) -> bool {
        thread::current().id() == self.thread
    }

    /// Does something there soon. It is dropped if the test has ended.
    pub(crate) fn send(&self, work: impl FnOnce() + Send + 'static) {
        let _ = self.work.send(Box::new(work));
    }
}

/// The process of one peer.
#[derive(Clone, Debug)]
pub(crate) struct Process {
    home: Home,
    /// `None` after it was killed.
    tasks: Arc<Mutex<Option<Vec<AbortHandle>>>>,
}

impl Process {
    pub(crate) fn new(home: Home) -> Self {
        Self { home, tasks: Arc::new(Mutex::new(Some(Vec::new()))) }
    }

    pub(crate) fn home(&self) -> &Home {
        &self.home
    }

    /// Runs a task that ends with the process. Called on the thread of the network.
    pub(crate) fn spawn_here(&self, task: impl Future<Output = ()> + 'static) -> AbortHandle {
        let handle = tokio::task::spawn_local(task).abort_handle();
        match &mut *self.tasks.lock() {
            Some(tasks) => {
                if tasks.len() == tasks.capacity() {
                    tasks.retain(|task| !task.is_finished());
                }
                tasks.push(handle.clone());
            }
            None => handle.abort(),
        }
        handle
    }

    /// The same, from any thread.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let process = self.clone();
        self.home.send(move || {
            process.spawn_here(task);
        });
    }

    /// Drops all tasks, and those that are still to come.
    pub(crate) fn kill(&self) {
        let tasks = self.tasks.lock().take();
        tasks.into_iter().flatten().for_each(|task| task.abort());
    }
}
