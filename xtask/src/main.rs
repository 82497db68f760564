//! `cargo xtask`: the tasks that CI and developers run on this workspace.
//!
//! It uses the standard library alone, so that `cargo xtask` is quick to build in a clean
//! checkout.

mod autobahn;
mod compile_cost;
mod core_is_portable;
mod editors;
mod fuzz;
mod instructions;
mod lint;
mod logs;
mod minimal_tokens;
mod packages;
mod proxies;
mod release;
mod soak;
mod step;
mod test;
mod web;
mod web_browser;
mod web_toolchain;
mod web_units;
mod words;

use std::process::ExitCode;
use std::time::Duration;

use step::Step;

const HELP: &str = "\
What CI and people run on this workspace.

Usage: cargo xtask <TASK>

Tasks:
  ci            lint, then test, then instructions
  lint          formatting, clippy, documentation, and that the core stays portable; nothing may warn
  test          every test of the workspace, with each choice of the server's WebSocket
  web           builds the pages for the browser and serves them; `web build [PACKAGE]` builds them only, and
                `web test` tests them in Chromium
  instructions  what the hot path costs, counted by valgrind, beside the figures that were kept;
                `instructions keep` keeps new ones
  fuzz          each fuzz target, for ten seconds or for as long as `--seconds` says
  autobahn      the Autobahn test suite against our WebSockets; `--accept` writes its results down
  compile-cost  what blocks cost while a crate compiles, beside plain functions and tarpc
  package       the packages as they would be published: their contents, their builds, a program that depends on them
  minimal-versions  that the published crates build with the oldest versions of their dependencies that they allow
  editors       what an editor can do inside a block, asked of rust-analyzer
  soak          the promises measured under load, with faults, between processes; `soak --help` says what can be chosen

Each step is printed before it runs; the first that fails ends the task and says how to run it alone.

What builds for the browser is rustup's wasm32-unknown-unknown, or where rustup reaches no server, Debian's rustc for the
web, unpacked under target/. WASM_TOOLCHAIN=rustup or =debian chooses one.";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let steps = match arguments[..] {
        ["ci"] => [lint::steps(), test::steps(), instructions::check()].concat(),
        ["lint"] => lint::steps(),
        ["compile-cost"] => compile_cost::steps(),
        ["editors"] => editors::steps(),
        ["package"] => release::package(),
        ["minimal-versions"] => release::minimal_versions(),
        ["test"] => test::steps(),
        ["web"] => return ended(web::serve()),
        ["web", "build"] => return ended(web::build(None)),
        ["web", "test"] => web::steps(),
        ["web", "build", package] => return ended(web::build(Some(package))),
        ["instructions"] => instructions::check(),
        ["instructions", "keep"] => instructions::keep(),
        ["autobahn"] => autobahn::steps(),
        ["autobahn", "--accept"] => autobahn::accept(),
        ["fuzz"] => vec![fuzz::smoke()],
        ["fuzz", "--seconds", seconds] => match seconds.parse() {
            Ok(seconds @ 1..) => fuzz::steps(Duration::from_secs(seconds)),
            _ => return usage(&format!("`--seconds {seconds}` is no whole number of seconds from 1 on")),
        },
        ["soak", ref rest @ ..] => return soak::run(rest),
        ["help" | "--help" | "-h"] => {
            step::say(HELP);
            return ExitCode::SUCCESS;
        }
        [] => return usage("no task was given"),
        [task] => return usage(&format!("there is no task `{task}`")),
        ["instructions", ..] => return usage("`instructions` takes nothing but `keep`"),
        ["autobahn", ..] => return usage("`autobahn` takes nothing but `--accept`"),
        ["fuzz", ..] => return usage("`fuzz` takes nothing but `--seconds N`"),
        [..] => return usage("this task takes no arguments"),
    };
    step::run_all(&steps)
}

fn ended(result: Result<(), String>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            step::complain(&format!("error: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn usage(mistake: &str) -> ExitCode {
    step::complain(&format!("error: {mistake}\n\n{HELP}"));
    ExitCode::from(2)
}
