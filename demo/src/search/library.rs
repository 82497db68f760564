//! Fills the index with the documentation of the crates that this workspace depends on.

use std::fs;
use std::io::{self, IsTerminal};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use demo_browser::search::Progress;
use demo_browser::server::docs::{self, Entry};
use demo_browser::server::{Index, Writer};
use indicatif::{ProgressBar, ProgressStyle};
use tokio::task::JoinHandle;

use crate::crates::{self, Crate};
use crate::output::{complain, error_with_causes, thousands};

/// The thread that fills it.
pub(super) struct Filling {
    task: JoinHandle<()>,
    is_over: Arc<AtomicBool>,
}

impl Filling {
    pub(super) async fn stop(self) {
        self.is_over.store(true, Ordering::Relaxed);
        // It has reported its errors, if there were any.
        let _ = self.task.await;
    }
}

/// Fills it, on a thread of its own, with a progress bar here and one on the page.
pub(super) fn fill(index: Arc<Index>, writer: Writer) -> Filling {
    let is_over = Arc::new(AtomicBool::new(false));
    let ends = Arc::clone(&is_over);
    let task = tokio::task::spawn_blocking(move || {
        if let Err(error) = run(&index, writer, &ends) {
            complain(&error_with_causes(&error));
        }
    });
    Filling { task, is_over }
}

fn run(index: &Index, mut writer: Writer, is_over: &AtomicBool) -> anyhow::Result<()> {
    let started = Instant::now();
    let crates = crates::dependencies()?;
    let mut progress =
        Progress { of: u32::try_from(crates.len()).unwrap_or(u32::MAX), ..Progress::default() };
    let bar = bar(u64::from(progress.of));
    for krate in &crates {
        if is_over.load(Ordering::Relaxed) {
            return Ok(());
        }
        bar.set_message(krate.name.clone());
        let entries = read(krate);
        let entries = entries.iter().map(|(file, entry)| (file.as_str(), entry));
        progress.entries += writer.add(&krate.name, &krate.version, entries)?;
        progress.crates += 1;
        index.set_progress(progress);
        bar.inc(1);
    }
    bar.finish_and_clear();
    complain(&format!(
        "{} entries of {} crates in {:.1} s",
        thousands(progress.entries.into()),
        progress.of,
        started.elapsed().as_secs_f64()
    ));
    Ok(())
}

fn bar(length: u64) -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("reading {msg:24} {wide_bar} {pos}/{len}");
    ProgressBar::new(length).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// The documentation of a crate, with the files that contain it. Files that cannot be read are
/// left out.
fn read(krate: &Crate) -> Vec<(String, Entry)> {
    let mut entries = Vec::new();
    walk(&krate.folder, &mut |path| {
        let Ok(place) = path.strip_prefix(&krate.folder) else { return };
        let place = place.to_string_lossy().replace('\\', "/");
        let found = match (place.strip_prefix("src/"), path.extension().and_then(|end| end.to_str())) {
            (Some(in_src), Some("rs")) => docs::module(&krate.name, in_src)
                .zip(fs::read_to_string(path).ok())
                .map(|(module, source)| docs::of_source(&module, &source)),
            (_, Some("md")) => {
                let name = path.file_stem().map(|name| name.to_string_lossy()).unwrap_or_default();
                let guide = format!("{} {name}", krate.name);
                fs::read_to_string(path).ok().map(|text| docs::of_guide(&guide, &text))
            }
            _ => None,
        };
        entries.extend(found.unwrap_or_default().into_iter().map(|entry| (place.clone(), entry)));
    });
    entries
}

/// Calls `take` with each file in a folder, and in those within it.
fn walk(folder: &Path, take: &mut dyn FnMut(&Path)) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        // Links are left out: they could lead around in a circle.
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => walk(&entry.path(), take),
            Ok(kind) if kind.is_file() => take(&entry.path()),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documentation_of_a_crate_is_found_with_its_files() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("browser");
        let krate = Crate { name: "demo-browser".to_owned(), version: "0.1.0".to_owned(), folder };
        let entries = read(&krate);
        let has = |title: &str, file: &str| {
            entries.iter().any(|(place, entry)| entry.title == title && place == file)
        };
        assert!(has("demo_browser", "src/lib.rs"));
        assert!(has("demo_browser::search::search_and_display", "src/search.rs"));
        assert!(has("demo_browser::search::Progress::is_complete", "src/search.rs"));
    }
}
