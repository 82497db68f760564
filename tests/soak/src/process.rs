//! The other processes: this program again, with its role as an argument, and their figures in
//! Linux.

use std::process::{ExitStatus, Stdio};

use anyhow::{Context, bail};
use rustix::process::{Pid, Resource, Signal, getrlimit, kill_process, setpriority_process};
use test_support::{leash, linux};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::oneshot;

/// The lowest priority of a process.
const LOWEST: i32 = 19;

/// A process that is killed when dropped, and ends by itself when this one does.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    pid: Pid,
    stdout: Lines<BufReader<ChildStdout>>,
    /// Closed when we end, however we end; then it ends, too.
    leash: Option<ChildStdin>,
}

impl Process {
    /// Starts this program with these arguments.
    pub(crate) fn start(arguments: &[&str]) -> anyhow::Result<Self> {
        Self::spawn(&mut leashed(arguments)?)
    }

    /// The same, with a scheduling class that gets a processor only when no other process wants
    /// it. Where the tool that sets it is missing, with the lowest priority.
    pub(crate) fn start_idle(arguments: &[&str]) -> anyhow::Result<Self> {
        let program = std::env::current_exe().context("cannot find this program's own file")?;
        Self::spawn(Command::new("chrt").args(["--idle", "0"]).arg(program).args(arguments)).or_else(|_| {
            let started = Self::spawn(&mut leashed(arguments)?)?;
            setpriority_process(Some(started.pid), LOWEST)?;
            Ok(started)
        })
    }

    fn spawn(command: &mut Command) -> anyhow::Result<Self> {
        let mut child = command
            .stdin(Stdio::piped())
            .kill_on_drop(true)
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start another process")?;
        let (leash, stdout) = (child.stdin.take(), child.stdout.take());
        let (Some(stdout), Some(id)) = (stdout, child.id()) else { bail!("the other process ended at once") };
        let pid = Pid::from_raw(i32::try_from(id)?).context("a process has the number 0")?;
        Ok(Self { child, pid, stdout: BufReader::new(stdout).lines(), leash })
    }

    /// The next line that it prints.
    pub(crate) async fn line(&mut self) -> anyhow::Result<String> {
        match self.stdout.next_line().await? {
            Some(line) => Ok(line),
            None => bail!("the process that was to say something ended: {}", self.child.wait().await?),
        }
    }

    pub(crate) fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        kill_process(self.pid, signal).with_context(|| format!("cannot send {signal:?} to a process"))
    }

    /// Lets it end, and waits until it has.
    pub(crate) async fn let_go(mut self) -> anyhow::Result<ExitStatus> {
        self.leash = None;
        self.end().await
    }

    pub(crate) async fn end(&mut self) -> anyhow::Result<ExitStatus> {
        Ok(self.child.wait().await?)
    }

    /// How many seconds of a processor it has had.
    pub(crate) fn processor(&self) -> anyhow::Result<f64> {
        Ok(linux::processor_seconds(self.pid)?)
    }

    pub(crate) fn memory(&self) -> anyhow::Result<Memory> {
        Memory::of(&self.pid.to_string())
    }

    pub(crate) fn descriptors(&self) -> anyhow::Result<u64> {
        descriptors(&self.pid.to_string())
    }
}

fn leashed(arguments: &[&str]) -> anyhow::Result<Command> {
    leash::command(arguments).context("cannot find this program's own file")
}

/// How much memory a process has, in MiB.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Memory {
    pub(crate) now: f64,
    /// The most that it has had since it began.
    pub(crate) peak: f64,
}

impl Memory {
    /// Of the process with this number, or `self`.
    pub(crate) fn of(process: &str) -> anyhow::Result<Self> {
        let memory = linux::Memory::of(process)?;
        let mebibytes = |kibibytes: u64| kibibytes as f64 / 1024.0;
        Ok(Self { now: mebibytes(memory.resident), peak: mebibytes(memory.peak) })
    }
}

/// How many descriptors a process has open.
pub(crate) fn descriptors(process: &str) -> anyhow::Result<u64> {
    Ok(linux::descriptors(process)?)
}

/// How many descriptors a process may have open.
pub(crate) fn descriptor_limit() -> u64 {
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}

/// Waits until the parent process has ended or wants this one to end. A separate thread waits, so
/// that this process can also end without it.
pub(crate) async fn until_let_go() {
    let (let_go, is_let_go) = oneshot::channel();
    leash::on_release(move || {
        // An error means that no task waits for it any more.
        let _ = let_go.send(());
    });
    let _ = is_let_go.await;
}
