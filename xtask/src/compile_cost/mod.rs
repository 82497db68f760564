//! `cargo xtask compile-cost`: what blocks cost while a crate compiles.
//!
//! It generates crates that do the same work in three ways: with blocks, as plain async functions,
//! and as a tarpc service. Each is checked and built alone; all its dependencies are built before.

mod generate;
mod measure;

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use generate::Kind;
use measure::Figures;

use crate::step::{Passed, Step, say};

/// How many blocks the crates have.
const SIZES: [usize; 3] = [0, 10, 100];

pub(crate) fn steps() -> Vec<Step> {
    vec![Step::check("what blocks cost while a crate compiles", run)]
}

fn run() -> Result<Passed, String> {
    let root = workspace_root()?;
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    let crates = target.join("compile-cost");
    let write = |path: &Path, text: &str| {
        fs::create_dir_all(path.parent().unwrap_or(path))
            .and_then(|()| fs::write(path, text))
            .map_err(|error| format!("{} cannot be written: {error}", path.display()))
    };
    for (path, text) in generate::workspace(&root, &SIZES) {
        write(&crates.join(path), &text)?;
    }
    // The same versions of everything as in this workspace.
    if !crates.join("Cargo.lock").exists() {
        fs::copy(root.join("Cargo.lock"), crates.join("Cargo.lock"))
            .map_err(|error| format!("Cargo.lock cannot be copied: {error}"))?;
    }
    measure::build_all(&crates)?;
    let mut rows = Vec::new();
    for kind in Kind::ALL {
        for size in SIZES {
            let figures = measure::figures(&crates, kind, size)?;
            say(&format!("{}: {figures:?}", kind.crate_name(size)));
            rows.push((kind, size, figures));
        }
    }
    say(&table(&rows));
    Ok(Passed::Holds)
}

fn workspace_root() -> Result<PathBuf, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().ok_or("xtask/ has no parent")?;
    Ok(root.to_path_buf())
}

/// The figures in the format of `benches/README.md`.
fn table(rows: &[(Kind, usize, Figures)]) -> String {
    let mut text = String::from(
        "\n| crate | blocks | check | CPU | release | CPU | expanded lines | binary | per block |\n\
         |---|---|---|---|---|---|---|---|---|\n",
    );
    for (kind, size, figures) in rows {
        let empty = rows.iter().find(|(other, size, _)| other == kind && *size == 0);
        let per_block = match empty {
            Some((_, _, empty)) if *size > 0 => {
                let more = figures.binary.saturating_sub(empty.binary) / *size as u64;
                format!("{:.1} KiB", more as f64 / 1024.0)
            }
            _ => String::new(),
        };
        let Figures { check, release, lines, binary } = figures;
        // Writing to a `String` cannot fail.
        let _ = writeln!(
            text,
            "| {} | {size} | {:.2} s | {:.2} s | {:.2} s | {:.2} s | {lines} | {} KiB | {per_block} |",
            kind.description(),
            check.elapsed.as_secs_f64(),
            check.cpu.as_secs_f64(),
            release.elapsed.as_secs_f64(),
            release.cpu.as_secs_f64(),
            binary / 1024,
        );
    }
    text
}

/// Makes cargo believe that a file was edited.
fn touch(path: &Path) -> Result<(), String> {
    fs::File::options()
        .append(true)
        .open(path)
        .and_then(|file| file.set_modified(SystemTime::now()))
        .map_err(|error| format!("{} cannot be touched: {error}", path.display()))
}
