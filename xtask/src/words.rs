//! Checks the rules of `CONTRIBUTING.md` for prose: imprecise phrases, and the width of lines.
//!
//! Prose is the text of comments in Rust files, and of Markdown outside of code and tables.

use std::fs;
use std::path::{Path, PathBuf};

use crate::step::Passed;

/// The last column of a line of prose.
const WIDTH: usize = 100;

/// Phrases to avoid, each with its replacement.
const PHRASES: &[(&str, &str)] = &[
    ("a invoke", "an invoke"),
    ("are told", "receive, learn, are notified"),
    ("clogged", "backpressure, a full queue"),
    ("dearest", "most expensive"),
    ("is none", "is not, is missing"),
    ("is told", "receives, learns, is notified"),
    ("nobody", "no peer, no caller, no one"),
    ("owes", "has not answered"),
    ("patience", "time limit, timeout"),
    ("somebody", "a peer, a caller, a user"),
    ("whoever", "the peer that, a caller that"),
];

/// Fails with each place in the workspace.
pub(crate) fn are_plain() -> Result<Passed, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().ok_or("xtask/ has no parent")?;
    let mut files = Vec::new();
    collect(root, &mut files)?;
    let mut problems = Vec::new();
    for file in files {
        let text =
            fs::read_to_string(&file).map_err(|error| format!("cannot read {}: {error}", file.display()))?;
        let name = file.strip_prefix(root).unwrap_or(&file).display().to_string();
        let prose = if name.ends_with(".md") { in_markdown(&text) } else { in_rust(&text) };
        problems.extend(prose.into_iter().flat_map(|line| check(&name, line)));
    }
    if problems.is_empty() { Ok(Passed::Holds) } else { Err(problems.join("\n")) }
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("cannot list {}: {error}", folder.display());
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() && name != "target" && !name.starts_with('.') {
            collect(&path, files)?;
        } else if name.ends_with(".rs") || name.ends_with(".md") {
            files.push(path);
        }
    }
    Ok(())
}

/// A line of prose.
#[derive(Clone, Copy, Debug)]
struct Line<'a> {
    number: usize,
    text: &'a str,
    /// Whether it can be broken: a row of a table cannot.
    has_width: bool,
}

fn in_markdown(text: &str) -> Vec<Line<'_>> {
    let mut is_code = false;
    let mut lines = Vec::new();
    for (index, text) in text.lines().enumerate() {
        let start = text.trim_start();
        if start.starts_with("```") {
            is_code = !is_code;
        } else if !is_code {
            lines.push(Line { number: index + 1, text, has_width: !start.starts_with('|') });
        }
    }
    lines
}

fn in_rust(text: &str) -> Vec<Line<'_>> {
    let mut is_code = false;
    let mut lines = Vec::new();
    for (index, text) in text.lines().enumerate() {
        let start = text.trim_start();
        let Some(comment) = start.strip_prefix("//") else {
            is_code = false;
            continue;
        };
        let comment = comment.trim_start_matches(['/', '!']).trim_start();
        if comment.starts_with("```") {
            is_code = !is_code;
        } else if !is_code {
            lines.push(Line { number: index + 1, text, has_width: !comment.starts_with('|') });
        }
    }
    lines
}

fn check(file: &str, line: Line<'_>) -> Vec<String> {
    let Line { number, text, has_width } = line;
    let mut problems = Vec::new();
    let columns = text.chars().count();
    // A link or a path cannot be broken.
    let longest = text.split(' ').map(|word| word.chars().count()).max().unwrap_or_default();
    if has_width && columns > WIDTH && longest < WIDTH / 2 {
        problems.push(format!("{file}:{number}: {columns} columns; break prose before column {WIDTH}"));
    }
    let prose = without_code(text);
    for (phrase, better) in PHRASES {
        if has_phrase(&prose, phrase) {
            problems.push(format!("{file}:{number}: `{phrase}`: write {better}"));
        }
    }
    problems
}

/// The line in lower case, without the text between backticks.
fn without_code(line: &str) -> String {
    let prose: Vec<_> = line.split('`').step_by(2).collect();
    prose.join("`").to_lowercase()
}

/// Whether the line contains the phrase as separate words.
fn has_phrase(line: &str, phrase: &str) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(phrase).any(|(at, _)| {
        let (before, after) = (line[..at].chars().next_back(), line[at + phrase.len()..].chars().next());
        !before.is_some_and(is_word) && !after.is_some_and(is_word)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(file: &str, text: &str) -> usize {
        let prose = if file.ends_with(".md") { in_markdown(text) } else { in_rust(text) };
        prose.into_iter().flat_map(|line| check(file, line)).count()
    }

    #[test]
    fn phrases_are_found_in_prose_alone() {
        assert_eq!(problems("a.rs", "// Nobody is told.\nlet nobody = \"nobody\";\n"), 2);
        assert_eq!(problems("a.rs", "/// `nobody`, anybody and nobodys\n"), 0);
        assert_eq!(problems("a.rs", "/// ```\n/// // nobody\n/// ```\n/// nobody\n"), 1);
        assert_eq!(problems("a.md", "```\nnobody\n```\n| nobody |\n"), 1);
    }

    #[test]
    fn long_lines_are_prose_alone() {
        let words = "word ".repeat(21);
        assert_eq!(problems("a.rs", &format!("// {words}\nlet x = \"{words}\";\n// | {words}")), 1);
        assert_eq!(problems("a.md", &format!("| {words} |\n{words}\n[{}](b)", "a".repeat(120))), 1);
    }
}
