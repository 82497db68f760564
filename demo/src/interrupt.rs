//! Ctrl-C, and the request to end that a service manager sends.

use std::future::Future;
use std::io;

/// A future that ends when the user wants the program to end. From this call on, the signals no
/// longer end the process by themselves. So a process that waits for a line of ours before it
/// sends a signal finds the handler installed.
#[cfg(unix)]
pub(crate) fn listen() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// A future that ends when the user wants the program to end.
#[cfg(not(unix))]
pub(crate) fn listen() -> io::Result<impl Future<Output = ()>> {
    Ok(async {
        // Without a handler there is nothing to wait for: the system's own then ends the process.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    })
}
