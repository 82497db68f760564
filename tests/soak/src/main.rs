//! The long versions of the tests: the guarantees, measured under load and with faults, between
//! real processes.
//!
//! `cargo xtask soak` builds and runs it; `--help` lists the parts and options. It reads `/proc`,
//! so it runs on Linux only.

mod cli;
mod log;
mod parts;
mod peers;
mod process;
mod progress;
mod promise;

// The fault proxy of the tests, which has its own tests there.
#[path = "../../it/proxy/mod.rs"]
#[allow(
    dead_code,
    clippy::unwrap_used,
    reason = "each of its users needs a part of it, and to panic is to fail"
)]
mod proxy;

// The attackers of the tests speak by hand.
#[path = "../../hostile/frames.rs"]
#[allow(
    dead_code,
    clippy::unwrap_used,
    reason = "each of its users needs a part of it, and to panic is to fail"
)]
mod frames;
#[path = "../../support/raw.rs"]
#[allow(
    dead_code,
    clippy::unwrap_used,
    reason = "each of its users needs a part of it, and to panic is to fail"
)]
mod raw;
#[path = "../../hostile/scripts.rs"]
#[allow(
    dead_code,
    clippy::unwrap_used,
    reason = "each of its users needs a part of it, and to panic is to fail"
)]
mod scripts;
#[path = "../../hostile/wire.rs"]
#[allow(
    dead_code,
    clippy::unwrap_used,
    reason = "each of its users needs a part of it, and to panic is to fail"
)]
mod wire;

use std::alloc::System;
use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::Context;
use cap::Cap;
use clap::Parser;

use cli::{Options, Part, Role};
use progress::Progress;
use promise::Promise;

/// Counts allocated bytes, to distinguish them from what the allocator keeps.
#[global_allocator]
static ALLOCATOR: Cap<System> = Cap::new(System, usize::MAX);

fn main() -> ExitCode {
    let options = Options::parse();
    match actix_web::rt::System::new().block_on(run(options)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            complain(format_args!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// Whether all promises were kept.
async fn run(options: Options) -> anyhow::Result<bool> {
    match (options.role, &options.url) {
        (Some(Role::Server), _) => peers::server(options.count, options.port).await.map(|()| true),
        (Some(Role::Idlers), Some(url)) => peers::idlers(url, options.count).await.map(|()| true),
        (Some(Role::Greedy), Some(url)) => peers::greedy(url).await.map(|()| true),
        (Some(Role::Hoarders), Some(url)) => parts::hoard::hoarders(url, options.count).await.map(|()| true),
        (Some(Role::Short), Some(url)) => parts::programs::short(url).await.map(|()| true),
        (Some(Role::Busy), Some(url)) => parts::workers::busy(url, options.count).await.map(|()| true),
        (Some(Role::Target), _) => {
            let script = options.script.context("this role needs --script")?;
            parts::attacks::target(options.count, script).await.map(|()| true)
        }
        (Some(Role::Attacker), Some(url)) => {
            let script = options.script.context("this role needs --script")?;
            parts::attacks::attacker(url, script).await.map(|()| true)
        }
        (Some(Role::Attackers), Some(url)) => {
            parts::oversize::attackers(url, options.count, options.in_parts).await.map(|()| true)
        }
        (Some(_), None) => anyhow::bail!("this role needs --url"),
        (None, _) => all(&options).await,
    }
}

async fn all(options: &Options) -> anyhow::Result<bool> {
    if cfg!(debug_assertions) {
        complain(
            "warning: this is a debug build, whose figures say little; `cargo xtask soak` makes a release build",
        );
    }
    let mut promises = Vec::new();
    for part in options.parts() {
        let name = format!("{part:?}").to_lowercase();
        let progress = Progress::new(&name);
        let results = match part {
            Part::Terminate => parts::terminate::run(&progress).await,
            Part::Oversize => parts::oversize::run(&progress).await,
            Part::Loiterers => parts::loiterers::run(&progress).await,
            Part::Stalled => parts::stalled::run(&progress).await,
            Part::Bulk => parts::bulk::run(&progress).await,
            Part::Idle => parts::idle::run(options, &progress).await,
            Part::Cuts => parts::cuts::run(options, &progress).await,
            Part::Steady => parts::steady::run(options, &progress).await,
            Part::Growth => parts::growth::run(&progress).await,
            Part::Hoard => parts::hoard::run(&progress).await,
            Part::Attacks => parts::attacks::run(options.script, &progress).await,
            Part::Workers => parts::workers::run(&progress).await,
            Part::Reconnect => parts::reconnect::run(options, &progress).await,
            Part::Burst => parts::burst::run(&progress).await,
            Part::Failures => parts::failures::run(&progress).await,
            Part::Programs => parts::programs::run(&progress).await,
            Part::Streams => parts::streams::run(options, &progress).await,
        };
        drop(progress);
        // A part that cannot be finished is a broken promise, and no reason to leave the others
        // out.
        promises.extend(results.unwrap_or_else(|error| {
            let failed = Promise::figure(format!("{name}: could not be finished"), format_args!("{error:#}"));
            vec![Promise { is_kept: false, ..failed }]
        }));
        say(promise::table(&promises))?;
    }
    Ok(promises.iter().all(|promise| promise.is_kept))
}

/// Prints a line, at once: another process may be waiting for it.
fn say(text: impl Display) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{text}")?;
    stdout.flush()
}

#[expect(clippy::print_stderr, reason = "what is no result belongs on standard error")]
fn complain(text: impl Display) {
    eprintln!("{text}");
}
