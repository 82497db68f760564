//! Runnable demos of `distributed-scope`. `demo --help` lists them; each module here is one of
//! them or one thing that several of them need.

mod blocks;
mod cli;
mod crates;
mod hops;
mod interrupt;
mod latency;
mod output;
mod processes;
mod round_trip;
mod search;
mod secure;
mod server;
mod wordcount;

use std::io::{self, IsTerminal};
use std::process::ExitCode;

use clap::Parser;
use tracing_subscriber::EnvFilter;

use cli::{Cli, Command};

/// What a shell expects of a program that Ctrl-C ended.
const INTERRUPTED: u8 = 130;

enum Ended {
    Done,
    Interrupted,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::from_default_env())
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .init();
    if cli.helper {
        processes::end_with_parent();
    }
    match actix_web::rt::System::new().block_on(run(cli)) {
        Ok(Ended::Done) => ExitCode::SUCCESS,
        Ok(Ended::Interrupted) => {
            output::complain("interrupted");
            ExitCode::from(INTERRUPTED)
        }
        // The reader of our output has closed it, as `head` does.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            output::complain(&output::error_with_causes(&error));
            ExitCode::FAILURE
        }
    }
}

async fn run(cli: Cli) -> anyhow::Result<Ended> {
    let interrupted = interrupt::listen()?;
    match cli.command {
        // The jobs that continue until they are interrupted.
        Some(Command::Server { addr }) => server::until(addr, interrupted).await.map(|()| Ended::Done),
        Some(Command::Search { addr, list, bundle }) => {
            search::until(addr, list, bundle, interrupted).await.map(|()| Ended::Done)
        }
        None => unless(interrupted, round_trip::both(cli.addr)).await,
        Some(Command::Client { url }) => unless(interrupted, round_trip::client(&url)).await,
        Some(Command::Wordcount(options)) => unless(interrupted, wordcount::run(options)).await,
        Some(Command::Worker { url, id }) => unless(interrupted, wordcount::worker(&url, id)).await,
        Some(Command::Secure) => unless(interrupted, secure::run()).await,
        Some(Command::Blocks) => blocks::list().map(|()| Ended::Done),
        Some(Command::Latency { url, calls, html }) => {
            unless(interrupted, latency::run(url, calls, html)).await
        }
    }
}

/// Does a job. If it is interrupted, it is dropped, and with it the processes that it started.
async fn unless(
    interrupted: impl Future<Output = ()>,
    job: impl Future<Output = anyhow::Result<()>>,
) -> anyhow::Result<Ended> {
    tokio::select! {
        result = job => result.map(|()| Ended::Done),
        () = interrupted => Ok(Ended::Interrupted),
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}
