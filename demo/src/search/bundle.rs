//! The bundle that the page loads: where it is, and how it is built.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use tokio::process::Command;

/// Where `cargo xtask web` puts it.
pub(super) fn folder() -> PathBuf {
    let root = root();
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |dir| root.join(dir));
    target.join("web/demo-browser")
}

fn root() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here)
}

/// Makes the bundle, which takes a minute or two, if it is not there.
pub(super) async fn build_if_missing() -> anyhow::Result<()> {
    if folder().join("demo_browser_bg.wasm.gz").exists() {
        return Ok(());
    }
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(["xtask", "web", "build", "demo-browser"])
        .current_dir(root())
        // The first line of our own output is the URL.
        .stdout(std::io::stderr())
        .kill_on_drop(true)
        .status()
        .await
        .context(
            "cargo, which builds what the page loads, cannot be run; run the demo by `cargo run -p demo`",
        )?;
    if !status.success() {
        bail!("what the page loads could not be built; `cargo xtask web build demo-browser` says why");
    }
    Ok(())
}
