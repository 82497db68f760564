//! The files to count.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use crate::crates;

/// What is counted in a folder; a file that is named itself is counted whatever it is called.
const TEXT: [&str; 3] = ["md", "rs", "txt"];

/// The files to count.
#[derive(Debug)]
pub(super) struct Corpus {
    /// What the user calls it.
    pub(super) name: String,
    pub(super) files: Vec<PathBuf>,
    pub(super) bytes: u64,
}

impl Corpus {
    /// The files that `paths` name or contain; without any, those of the crates that this
    /// workspace depends on.
    pub(super) fn find(paths: Vec<PathBuf>) -> anyhow::Result<Self> {
        if paths.is_empty() {
            let folders: Vec<_> = crates::dependencies()?.into_iter().map(|krate| krate.folder).collect();
            let name = format!("the sources and documentation of {} crates", folders.len());
            return Self::of(name, &folders);
        }
        let name = paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ");
        Self::of(name, &paths)
    }

    fn of(name: String, paths: &[PathBuf]) -> anyhow::Result<Self> {
        let mut corpus = Self { name, files: Vec::new(), bytes: 0 };
        for path in paths {
            let is_folder = metadata(path)?.is_dir();
            if is_folder { corpus.add_folder(path)? } else { corpus.add_file(path.clone())? }
        }
        if corpus.files.is_empty() {
            bail!("there is nothing to count: no .md, .rs or .txt file in {}", corpus.name);
        }
        Ok(corpus)
    }

    fn add_file(&mut self, path: PathBuf) -> anyhow::Result<()> {
        self.bytes += metadata(&path)?.len();
        self.files.push(path);
        Ok(())
    }

    fn add_folder(&mut self, folder: &Path) -> anyhow::Result<()> {
        let read = || -> io::Result<Vec<_>> {
            let mut entries: Vec<_> = fs::read_dir(folder)?.collect::<io::Result<_>>()?;
            entries.sort_by_key(fs::DirEntry::file_name);
            entries.into_iter().map(|entry| Ok((entry.file_type()?, entry.path()))).collect()
        };
        for (kind, path) in read().with_context(|| format!("cannot read {}", folder.display()))? {
            // Links are left out: they could lead around in a circle, or count a file twice.
            if kind.is_dir() {
                self.add_folder(&path)?;
            } else if kind.is_file() && is_text(&path) {
                self.add_file(path)?;
            }
        }
        Ok(())
    }
}

fn metadata(path: &Path) -> anyhow::Result<fs::Metadata> {
    fs::metadata(path).with_context(|| format!("cannot read {}", path.display()))
}

fn is_text(path: &Path) -> bool {
    path.extension().and_then(|extension| extension.to_str()).is_some_and(|it| TEXT.contains(&it))
}

/// The text of a file; bytes that are no UTF-8 become replacement characters.
pub(super) fn read(path: &Path) -> anyhow::Result<String> {
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_text_is_counted_in_a_folder() {
        assert!(is_text(Path::new("a/README.md")));
        assert!(is_text(Path::new("lib.rs")));
        assert!(!is_text(Path::new("logo.png")));
        assert!(!is_text(Path::new("md")));
    }

    #[test]
    fn this_crate_is_found_in_a_fixed_order() {
        let here = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src");
        let corpus = Corpus::find(vec![here.clone()]).unwrap();
        assert!(corpus.files.contains(&here.join("wordcount").join("corpus.rs")));
        assert!(corpus.files.is_sorted());
        assert!(corpus.bytes > 0);
    }

    #[test]
    fn a_path_that_is_not_there_is_named() {
        let error = Corpus::find(vec![PathBuf::from("no/such/file.txt")]).unwrap_err();
        assert_eq!(error.to_string(), "cannot read no/such/file.txt");
    }
}
