//! The file that is open in the editor, and places in it.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use crate::server::uri;

pub(crate) const TEXT: &str = include_str!("../edited.rs");

/// A crate of its own with that file, under `target`; its path.
pub(crate) fn write(root: &Path, target: &Path) -> Result<PathBuf> {
    let folder = target.join("editors/edited");
    fs::create_dir_all(folder.join("src"))?;
    let manifest = format!(
        "[package]\nname = \"edited\"\nversion = \"0.0.0\"\nedition = \"2024\"\npublish = false\n\n\
         [dependencies]\ndistributed-scope = {{ path = {root:?} }}\nserde = {{ version = \"1\", features = [\"derive\"] }}\n\n\
         [workspace]\n"
    );
    fs::write(folder.join("Cargo.toml"), manifest)?;
    fs::write(folder.join("src/lib.rs"), TEXT)?;
    // The same versions of everything as in this workspace.
    fs::copy(root.join("Cargo.lock"), folder.join("Cargo.lock"))?;
    Ok(folder)
}

/// The position of `word` in the line that holds `line`, as the protocol counts: from zero.
pub(crate) fn place(line: &str, word: &str) -> Result<(usize, usize)> {
    let (number, text) = TEXT
        .lines()
        .enumerate()
        .find(|(_, text)| text.contains(line))
        .with_context(|| format!("no line holds `{line}`"))?;
    let from = text.find(line).unwrap_or_default();
    let column = text[from..].find(word).with_context(|| format!("`{line}` holds no `{word}`"))?;
    Ok((number, from + column))
}

/// The parameters of a request about this place.
pub(crate) fn at(folder: &Path, (line, column): (usize, usize)) -> Value {
    json!({
        "textDocument": document(folder),
        "position": { "line": line, "character": column },
    })
}

pub(crate) fn document(folder: &Path) -> Value {
    json!({ "uri": uri(&folder.join("src/lib.rs")) })
}

/// The text that a range of the protocol covers, and its line as people count, from one.
pub(crate) fn covered(range: &Value) -> Option<(usize, &'static str)> {
    let number = |value: &Value| usize::try_from(value.as_u64()?).ok();
    let line = number(&range["start"]["line"])?;
    let (from, to) = (number(&range["start"]["character"])?, number(&range["end"]["character"])?);
    Some((line + 1, TEXT.lines().nth(line)?.get(from..to)?))
}
