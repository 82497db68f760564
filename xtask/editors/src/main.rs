//! `cargo xtask editors`: what an editor can do inside a block, asked of rust-analyzer.
//!
//! It opens a small crate as an editor does and sends the requests that users make: hover, go to
//! definition, rename. The answers must equal those that the same code gives outside of a block.

mod edited;
mod questions;
mod server;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result};

use crate::questions::QUESTIONS;
use crate::server::LanguageServer;

#[expect(clippy::print_stdout, reason = "a table is what this program makes")]
fn main() -> Result<ExitCode> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let (root, target) =
        arguments.next().zip(arguments.next()).context("the workspace and a folder for builds are given")?;
    let folder = edited::write(&root, &target)?;
    println!("rust-analyzer loads {} and builds its macros ..", folder.display());
    let mut server = LanguageServer::open(&folder, &target.join("editors/target"))?;
    questions::open(&mut server, &folder)?;
    println!("  works  no complaint about a correct file");
    let mut failed = 0;
    for question in QUESTIONS {
        match question.ask(&mut server, &folder) {
            Ok(()) => println!("  works  {question}"),
            Err(error) => {
                failed += 1;
                println!("  FAILS  {question}: {error}");
            }
        }
    }
    println!(
        "{} of {} questions were answered as outside of a block.",
        QUESTIONS.len() + 1 - failed,
        QUESTIONS.len() + 1
    );
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
