//! A process that ends when its parent ends, however that happens.
//!
//! The parent holds one end of a pipe, which is the standard input of the child. Nothing is ever
//! written to it. It closes when the parent ends or lets go of it, and the child then ends itself.

use std::ffi::OsStr;
use std::io;
use std::process::Stdio;
use std::thread;

use tokio::process::Command;

/// A command that starts this program once more with these arguments. The child is killed when it
/// is dropped.
///
/// Take the standard input out of the child and keep it: waiting for a child closes it.
///
/// # Errors
///
/// If the file of this program cannot be found.
pub fn command<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> io::Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(arguments).stdin(Stdio::piped()).kill_on_drop(true);
    Ok(command)
}

/// Calls a function when the parent process has ended or has let go of this one.
///
/// It waits in a thread of its own, so that even a process that is stuck ends.
pub fn on_release(then: impl FnOnce() + Send + 'static) {
    thread::spawn(|| {
        // The read ends when no process holds the other end of the pipe. An error ends it, too.
        let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
        then();
    });
}
