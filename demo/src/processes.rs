//! The other processes of a demo: this same program, started again, which ends when its parent
//! ends.
//!
//! Two mechanisms make sure that none is left over. Dropping a [`Helper`] kills it. And a helper
//! reads its standard input, a pipe that we hold. When we end, however that happens, the pipe
//! closes and the helper ends itself.

use std::ffi::OsStr;
use std::fmt;
use std::process::{ExitStatus, Stdio};

use anyhow::{Context, anyhow, bail};
use test_support::leash;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStdin};

/// A process that helps this one.
#[derive(Debug)]
pub(crate) struct Helper {
    name: String,
    pid: u32,
    child: Child,
    /// Never written to: it is there to be closed.
    _leash: Option<ChildStdin>,
}

impl Helper {
    /// Starts this program once more, with these arguments. It writes where we write.
    pub(crate) fn start<A: AsRef<OsStr>>(
        name: impl Into<String>,
        arguments: impl IntoIterator<Item = A>,
    ) -> anyhow::Result<Self> {
        Self::spawn(name.into(), arguments, Stdio::inherit())
    }

    /// Starts this program once more, and waits for the first line that it prints.
    pub(crate) async fn start_for_a_line<A: AsRef<OsStr>>(
        name: impl Into<String>,
        arguments: impl IntoIterator<Item = A>,
    ) -> anyhow::Result<(Self, String)> {
        let mut helper = Self::spawn(name.into(), arguments, Stdio::piped())?;
        let Some(stdout) = helper.child.stdout.take() else {
            bail!("{helper} has no standard output");
        };
        match BufReader::new(stdout).lines().next_line().await {
            Ok(Some(line)) => Ok((helper, line)),
            Ok(None) => Err(helper.ended().await),
            Err(error) => Err(error).with_context(|| format!("cannot read what {helper} prints")),
        }
    }

    fn spawn<A: AsRef<OsStr>>(
        name: String,
        arguments: impl IntoIterator<Item = A>,
        stdout: Stdio,
    ) -> anyhow::Result<Self> {
        let mut command = leash::command(arguments).context("cannot find this program's own file")?;
        command.arg("--helper").stdout(stdout);
        // A terminal sends Ctrl-C to a whole group of processes. Helpers are not in ours: we
        // receive the signal, and end them.
        #[cfg(unix)]
        command.process_group(0);
        let mut child = command.spawn().with_context(|| format!("cannot start {name}"))?;
        // Waiting for a child closes its standard input unless it is taken out before.
        let leash = child.stdin.take();
        let Some(pid) = child.id() else { bail!("{name} ended before it was known") };
        Ok(Self { name, pid, child, _leash: leash })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }

    /// Waits until it has ended, which it should not have: the error says how.
    pub(crate) async fn ended(&mut self) -> anyhow::Error {
        match self.child.wait().await {
            Ok(status) => anyhow!("{self} {}", describe(status)),
            Err(error) => anyhow!(error).context(format!("cannot wait for {self}")),
        }
    }

    /// Waits until it has ended, which should have been in success.
    pub(crate) async fn success(&mut self) -> anyhow::Result<()> {
        let status = self.child.wait().await.with_context(|| format!("cannot wait for {self}"))?;
        if status.success() { Ok(()) } else { bail!("{self} {}", describe(status)) }
    }

    /// Ends it at once. Does nothing when it has ended.
    pub(crate) fn kill(&mut self) {
        // The only error is that it has already ended.
        let _ = self.child.start_kill();
    }
}

impl fmt::Display for Helper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (pid {})", self.name, self.pid)
    }
}

fn describe(status: ExitStatus) -> String {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return format!("was ended by signal {signal}");
    }
    match status.code() {
        Some(code) => format!("ended with exit code {code}"),
        None => "ended".to_owned(),
    }
}

/// Ends this process when its parent has ended.
#[expect(clippy::exit, reason = "nobody is left to whom anything could be returned")]
pub(crate) fn end_with_parent() {
    leash::on_release(|| std::process::exit(0));
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::process::ExitStatusExt;

    use super::*;

    #[test]
    fn the_end_of_a_process_is_told_by_signal_or_exit_code() {
        assert_eq!(describe(ExitStatus::from_raw(9)), "was ended by signal 9");
        assert_eq!(describe(ExitStatus::from_raw(2 << 8)), "ended with exit code 2");
    }
}
