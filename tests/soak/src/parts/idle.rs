//! Sessions on which nothing happens.

use indicatif::ProgressBar;

use crate::cli::Options;
use crate::peers::{Server, connected};
use crate::process::{Process, descriptor_limit};
use crate::promise::{Promise, mebibytes};

/// A session has its socket and a second handle of it, by which a peer that stopped reading is cut off.
const DESCRIPTORS: u64 = 2;
/// For everything else that a process has open.
const SPARE: u64 = 200;
/// How many sessions warm the server up.
const WARM_UP: u64 = 200;

pub(crate) async fn run(options: &Options, progress: &ProgressBar) -> anyhow::Result<Vec<Promise>> {
    let possible = descriptor_limit().saturating_sub(SPARE) / DESCRIPTORS;
    let sessions = options.sessions.min(possible);
    // Half of what fits into a process: the clients have more to keep.
    let each = (possible / 2).max(1);
    let server = Server::start(2).await?;
    let client = server.client().await?;
    // What the first sessions cost once is not what each one costs.
    open(&server, WARM_UP.min(sessions), progress).await?.let_go().await?;
    let is_alone = async || {
        while client.run(connected(server.id)).await? > 1 {
            tokio::task::yield_now().await;
        }
        anyhow::Ok(())
    };
    is_alone().await?;
    let before = server.process.memory()?.now;
    let descriptors = server.process.descriptors()?;
    let mut idlers = Vec::new();
    let mut left = sessions;
    while left > 0 {
        let count = left.min(each);
        idlers.push(open(&server, count, progress).await?);
        left -= count;
    }
    let there = client.run(connected(server.id)).await? as u64 - 1;
    let with = server.process.memory()?.now;
    let descriptors_each = (server.process.descriptors()? - descriptors) as f64 / there as f64;
    progress.set_message("closing them");
    for process in idlers {
        process.let_go().await?;
    }
    is_alone().await?;
    let after = server.process.memory()?.now;
    let mut each = Promise::at_most(
        format!("{sessions} idle sessions: memory of the server for each"),
        24.0,
        (with - before) * 1024.0 / there as f64,
        |kibibytes| format!("{kibibytes:.1} KiB"),
    );
    if sessions < options.sessions {
        each = each.with(format_args!("the limit on descriptors allows no more than {possible}"));
    }
    Ok(vec![
        Promise::exactly("idle sessions that are there at the same time", sessions, there),
        each,
        Promise::figure("descriptors for each idle session", format_args!("{descriptors_each:.2}")),
        Promise::figure(
            "memory of the server before, with and after them",
            [before, with, after].each_ref().map(mebibytes).join(", "),
        ),
        Promise::exactly(
            "descriptors that are left of them",
            0,
            server.process.descriptors()?.abs_diff(descriptors),
        ),
    ])
}

/// A process with so many sessions.
async fn open(server: &Server, count: u64, progress: &ProgressBar) -> anyhow::Result<Process> {
    let mut process =
        Process::start(&["--as", "idlers", "--url", &server.url, "--count", &count.to_string()])?;
    loop {
        let line = process.line().await?;
        progress.set_message(format!("{line} of {count} sessions of a process"));
        if line == count.to_string() {
            return Ok(process);
        }
    }
}
