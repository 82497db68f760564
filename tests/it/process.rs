//! Another process: this test program again, which runs one of its tests and reads its role from
//! its environment.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};

/// A process that is killed when dropped.
pub(crate) struct Process {
    child: Child,
    /// Held open, because the test harness of the other process cannot end without it.
    stdout: Option<BufReader<ChildStdout>>,
}

impl Process {
    /// Has another process run this test, with these variables in its environment.
    pub(crate) fn start(test: &str, environment: &[(&str, &str)]) -> Self {
        Self::spawn(Self::command(&[], test, environment).stdout(Stdio::null()))
    }

    /// The same, and waits until it says where it listens: see [`say_where`].
    pub(crate) fn start_server(test: &str, environment: &[(&str, &str)]) -> (Self, String) {
        Self::start_server_by(&[], test, environment)
    }

    /// The same, started by another program that takes the rest of its arguments for a command.
    pub(crate) fn start_server_by(by: &[&str], test: &str, environment: &[(&str, &str)]) -> (Self, String) {
        let mut process = Self::spawn(Self::command(by, test, environment).stdout(Stdio::piped()));
        let stdout = process.stdout.insert(BufReader::new(process.child.stdout.take().unwrap()));
        let url = stdout.lines().map(Result::unwrap).find(|line| line.starts_with("ws://"));
        (process, url.expect("it ended before it said where it listens"))
    }

    fn command(by: &[&str], test: &str, environment: &[(&str, &str)]) -> Command {
        let this = std::env::current_exe().unwrap();
        let mut command = match by {
            [] => Command::new(this),
            [program, arguments @ ..] => {
                let mut command = Command::new(program);
                command.args(arguments).arg(this);
                command
            }
        };
        command.args(["--exact", test, "--nocapture"]).envs(environment.iter().copied());
        command
    }

    fn spawn(command: &mut Command) -> Self {
        Self { child: command.spawn().unwrap(), stdout: None }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal, for example `TERM`.
    #[cfg(unix)]
    pub(crate) fn signal(&self, signal: &str) {
        let sent = Command::new("kill").args([&format!("-{signal}"), &self.id().to_string()]).status();
        assert!(sent.unwrap().success(), "cannot send {signal}");
    }

    /// Waits for its end, on a thread that may be blocked.
    pub(crate) async fn end(mut self) -> ExitStatus {
        actix_web::rt::task::spawn_blocking(move || self.child.wait().unwrap()).await.unwrap()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Prints where this process listens, for the process that started it.
#[expect(clippy::print_stdout, reason = "the other process reads it")]
pub(crate) fn say_where(url: &str) {
    // The test harness leaves its own line open.
    println!("\n{url}");
}
