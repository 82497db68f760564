//! The crates that this workspace depends on, and where their sources are.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, bail};
use serde::Deserialize;

/// A crate that was downloaded to build this workspace.
#[derive(Debug)]
pub(crate) struct Crate {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) folder: PathBuf,
}

/// What `cargo metadata` says, as far as it matters here.
#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    manifest_path: PathBuf,
    /// Where it was downloaded from; `None` for a crate of this workspace.
    source: Option<String>,
}

/// The crates that this workspace depends on, ordered by their folders.
pub(crate) fn dependencies() -> anyhow::Result<Vec<Crate>> {
    // Only what was downloaded to build for this machine: without that, cargo would fetch the rest
    // now.
    let version = cargo(&["-vV"])?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).unwrap_or_default();
    let metadata = cargo(&["metadata", "--format-version", "1", "--filter-platform", host])?;
    let Metadata { packages } =
        serde_json::from_str(&metadata).context("cannot understand what `cargo metadata` says")?;
    let downloaded = packages.into_iter().filter(|package| package.source.is_some());
    let mut crates: Vec<_> = downloaded
        .filter_map(|Package { name, version, manifest_path, .. }| {
            Some(Crate { name, version, folder: manifest_path.parent()?.to_owned() })
        })
        .collect();
    crates.sort_by(|a, b| a.folder.cmp(&b.folder));
    Ok(crates)
}

fn cargo(arguments: &[&str]) -> anyhow::Result<String> {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(program)
        .args(arguments)
        .output()
        .context("cargo, which knows where the dependencies' sources are, cannot be run; run the demo by `cargo run -p demo`")?;
    if !output.status.success() {
        let complaint = String::from_utf8_lossy(&output.stderr);
        bail!("cargo does not know this workspace's dependencies; run the demo in it: {}", complaint.trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
