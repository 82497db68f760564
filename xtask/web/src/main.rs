//! `web-bundle MODULE FOLDER LIMIT`: makes a bundle of a WebAssembly module, and measures it.
//!
//! `cargo xtask web` runs it. The bundle is what a page loads: the module, the JavaScript that
//! starts it, and a compressed copy of both for the server to send. `wasm-opt` is not run: what it
//! writes is smaller, but compresses worse.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use wasm_bindgen_cli_support::Bindgen;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [module, folder, limit] = &arguments[..] else {
        bail!("usage: web-bundle MODULE FOLDER LIMIT");
    };
    let limit: usize = limit.parse().context("LIMIT is the size that the bundle may have, in kilobytes")?;
    let bundle = Bundle { module: module.into(), folder: folder.into() };
    bundle.bind()?;
    bundle.compress(limit * 1000)
}

struct Bundle {
    module: PathBuf,
    folder: PathBuf,
}

impl Bundle {
    fn name(&self) -> Result<&str> {
        let name = self.module.file_stem().and_then(|name| name.to_str());
        name.with_context(|| format!("{} is no module", self.module.display()))
    }

    fn wasm(&self) -> Result<PathBuf> {
        Ok(self.folder.join(format!("{}_bg.wasm", self.name()?)))
    }

    /// Writes the JavaScript through which the module and the browser reach each other.
    fn bind(&self) -> Result<()> {
        let mut bindgen = Bindgen::new();
        bindgen.input_path(&self.module).web(true)?.typescript(false).remove_producers_section(true);
        // The names of functions are half of the module. Without them, its panics still say where
        // they
        // were.
        bindgen.remove_name_section(true);
        // The module is next to the JavaScript, which looks for it there by itself.
        bindgen.omit_default_module_path(false);
        bindgen.generate(&self.folder).with_context(|| format!("cannot bind {}", self.module.display()))
    }

    /// Writes each file once more, compressed, and compares what they take together with `limit`
    /// bytes.
    fn compress(&self, limit: usize) -> Result<()> {
        let files = [self.wasm()?, self.folder.join(format!("{}.js", self.name()?))];
        let (mut plain, mut compressed) = (0, 0);
        for file in &files {
            let bytes = fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
            let smaller = gzip(&bytes)?;
            plain += bytes.len();
            compressed += smaller.len();
            fs::write(with_gz(file), smaller)
                .with_context(|| format!("cannot write beside {}", file.display()))?;
        }
        let kilobytes = |bytes: usize| bytes as f64 / 1000.0;
        let (name, plain, limit_kb) = (self.name()?, kilobytes(plain), kilobytes(limit));
        say(&format!("  {name}: {plain:.1} KB, {:.1} KB compressed", kilobytes(compressed)));
        if compressed > limit {
            bail!("the bundle {name} is larger than the {limit_kb} KB that it may have, compressed");
        }
        Ok(())
    }
}

fn gzip(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut compressed = Vec::new();
    zopfli::compress(zopfli::Options::default(), zopfli::Format::Gzip, bytes, &mut compressed)?;
    Ok(compressed)
}

fn with_gz(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".gz");
    name.into()
}

#[expect(clippy::print_stdout, reason = "to tell people what it did is what this program is for")]
fn say(text: &str) {
    println!("{text}");
}
