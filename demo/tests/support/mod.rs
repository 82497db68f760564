//! The real binary, run as a user runs it.

// Each test file uses a part of this.
#![allow(dead_code, reason = "shared by several test binaries")]

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

/// After this, something hangs. Nothing takes nearly as long, not even on a busy machine.
const HANGS: Duration = Duration::from_secs(90);

/// The program, while it runs.
pub(crate) struct Demo {
    child: Child,
    stdout: Receiver<String>,
    stderr: Receiver<String>,
    lines: Vec<String>,
}

/// The program and all that it started, after the end.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs the program to its end.
pub(crate) fn demo(arguments: &[&str]) -> Ended {
    Demo::start(arguments).end()
}

impl Demo {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_demo"))
            .args(arguments)
            .env_remove("RUST_LOG")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the demo starts");
        let stdout = lines_of(child.stdout.take().expect("it is piped"));
        let stderr = lines_of(child.stderr.take().expect("it is piped"));
        Self { child, stdout, stderr, lines: Vec::new() }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits for a line of its standard output for which `found` has something.
    pub(crate) fn wait_for<T>(&mut self, found: impl Fn(&str) -> Option<T>) -> T {
        loop {
            let line = self.stdout.recv_timeout(HANGS).unwrap_or_else(|error| {
                panic!("the line did not come ({error}); before it came:\n{}", self.lines.join("\n"))
            });
            let value = found(&line);
            self.lines.push(line);
            if let Some(value) = value {
                return value;
            }
        }
    }

    /// Waits for the line that says the process id of this helper.
    pub(crate) fn wait_for_pid(&mut self, helper: &str) -> u32 {
        self.wait_for(|line| line.strip_prefix(helper)?.trim().strip_prefix("pid ")?.parse().ok())
    }

    /// Sends it a signal, for example `INT`.
    pub(crate) fn signal(&self, signal: &str) {
        send_signal(self.pid(), signal);
    }

    /// Waits for its end, and for the end of every process that it started: they all hold the
    /// other end of its standard output or standard error, so these end only when the last of
    /// them does.
    pub(crate) fn end(mut self) -> Ended {
        let stdout = rest_of(&self.stdout, "standard output");
        let stderr = rest_of(&self.stderr, "standard error");
        let status = self.child.wait().expect("it can be waited for");
        self.lines.extend(stdout);
        Ended { status, stdout: self.lines.join("\n"), stderr: stderr.join("\n") }
    }
}

impl Drop for Demo {
    /// So that a test that fails leaves nothing behind.
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Ended {
    #[track_caller]
    pub(crate) fn succeeded(self) -> Self {
        assert!(self.status.success(), "{self:?}");
        self
    }

    /// It failed as a user should see it: this exit code, this message, and no traces of a crash.
    #[track_caller]
    pub(crate) fn failed(self, code: i32, message: &str) {
        assert_eq!(self.status.code(), Some(code), "{self:?}");
        assert!(self.stderr.starts_with("error: "), "{self:?}");
        assert!(self.stderr.contains(message), "{self:?}");
        assert!(!self.stderr.contains("panicked"), "{self:?}");
    }
}

fn lines_of(pipe: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(pipe).lines() {
            // The test may have seen enough.
            let Ok(line) = line else { return };
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

fn rest_of(lines: &Receiver<String>, what: &str) -> Vec<String> {
    let mut rest = Vec::new();
    loop {
        match lines.recv_timeout(HANGS) {
            Ok(line) => rest.push(line),
            Err(mpsc::RecvTimeoutError::Disconnected) => return rest,
            Err(mpsc::RecvTimeoutError::Timeout) => {
                panic!("{what} is still open: a process was left behind or hangs, after\n{}", rest.join("\n"))
            }
        }
    }
}

pub(crate) fn send_signal(pid: u32, signal: &str) {
    let status = Command::new("kill").args([&format!("-{signal}"), &pid.to_string()]).status();
    assert!(status.expect("`kill` can be run").success(), "cannot send {signal} to process {pid}");
}

/// A folder of its own for a test, removed after it.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
        fs::create_dir_all(&path).expect("the folder can be made");
        Self(path)
    }

    pub(crate) fn path(&self) -> &str {
        self.0.to_str().expect("a path that is text")
    }

    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.0.join(name), content).expect("the file can be written");
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What is left is in the target folder, and does no harm.
        let _ = fs::remove_dir_all(&self.0);
    }
}
