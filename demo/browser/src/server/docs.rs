//! The documentation of a crate: the doc comments in its sources, item by item, and its guides,
//! section by section.
//!
//! It reads lines and not syntax trees. That is enough to find the items and their documentation.

use crate::kind::Kind;

/// One entry that can be found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The kind of the entry.
    pub kind: Kind,
    /// Its path (`tokio::sync::mpsc::channel`), or its heading.
    pub title: String,
    /// Its documentation, in Markdown.
    pub text: String,
    /// The line where it begins, counted from 1.
    pub line: usize,
}

/// The documentation in one source file, which is the module `module`.
#[must_use]
pub fn of_source(module: &str, source: &str) -> Vec<Entry> {
    let mut reader = Reader { module, owner: None, entries: Vec::new() };
    let (mut doc, mut begins) = (String::new(), 0);
    let mut about_module = String::new();
    for (index, line) in source.lines().enumerate() {
        let code = line.trim_start();
        let indent = line.len() - code.len();
        if let Some(text) = code.strip_prefix("//!") {
            // That of a module within this file is not told apart from the file's own.
            push_line(&mut about_module, text);
        } else if let Some(text) = code.strip_prefix("///").filter(|text| !text.starts_with('/')) {
            if doc.is_empty() {
                begins = index + 1;
            }
            push_line(&mut doc, text);
        } else if !code.is_empty() && !code.starts_with('#') && !code.starts_with("//") {
            reader.code(code, indent, std::mem::take(&mut doc), begins);
        }
    }
    if !about_module.trim().is_empty() {
        let (kind, title, text) = (Kind::Module, module.to_owned(), about_module.trim().to_owned());
        reader.entries.push(Entry { kind, title, text, line: 1 });
    }
    reader.entries
}

fn push_line(text: &mut String, line: &str) {
    text.push_str(line.strip_prefix(' ').unwrap_or(line));
    text.push('\n');
}

struct Reader<'a> {
    module: &'a str,
    /// The `impl` or trait that lines of a greater indentation belong to.
    owner: Option<Owner>,
    entries: Vec<Entry>,
}

struct Owner {
    name: String,
    indent: usize,
    is_trait: bool,
}

impl Reader<'_> {
    fn code(&mut self, code: &str, indent: usize, doc: String, line: usize) {
        if self.owner.as_ref().is_some_and(|owner| indent <= owner.indent) {
            self.owner = None;
        }
        let item = item(code);
        let is_public = code.starts_with("pub ")
            || code.starts_with("macro_rules!")
            || self.owner.as_ref().is_some_and(|owner| owner.is_trait);
        if let Some((kind, name)) = item
            && is_public
            && !doc.trim().is_empty()
        {
            let title = match &self.owner {
                Some(Owner { name: owner, .. }) => format!("{}::{owner}::{name}", self.module),
                None => format!("{}::{name}", self.module),
            };
            self.entries.push(Entry { kind, title, text: doc.trim().to_owned(), line });
        }
        if self.owner.is_none()
            && let Some(name) = owner(code, item)
        {
            let is_trait = matches!(item, Some((Kind::Trait, _)));
            self.owner = Some(Owner { name: name.to_owned(), indent, is_trait });
        }
    }
}

/// What is declared on this line, and its name.
fn item(code: &str) -> Option<(Kind, &str)> {
    let mut words = code.split_whitespace();
    loop {
        let kind = match words.next()? {
            "mod" => Kind::Module,
            "fn" => Kind::Function,
            "struct" | "enum" | "union" | "type" => Kind::Type,
            "trait" => Kind::Trait,
            "macro_rules!" => Kind::Macro,
            "static" => Kind::Constant,
            "const" if !code.contains(" fn ") => Kind::Constant,
            "pub" | "const" | "async" | "unsafe" | "extern" | "auto" | "default" => continue,
            abi if abi.starts_with('"') => continue,
            _ => return None,
        };
        let name = words.find(|word| *word != "mut")?;
        return Some((kind, &name[..name.find(|c: char| !is_of_name(c)).unwrap_or(name.len())]))
            .filter(|(_, name)| !name.is_empty());
    }
}

/// The type or trait whose items follow, if this line begins such a list.
fn owner<'a>(code: &'a str, item: Option<(Kind, &'a str)>) -> Option<&'a str> {
    if let Some((Kind::Trait, name)) = item {
        return Some(name);
    }
    let rest = code.strip_prefix("unsafe ").unwrap_or(code).strip_prefix("impl")?;
    if rest.starts_with(is_of_name) {
        return None;
    }
    let rest = after_generics(rest);
    let of = rest.find(" for ").map_or(rest, |at| &rest[at + " for ".len()..]);
    let path = of.trim_start().trim_start_matches(['&', '*', '(', '[', '!']);
    let path = &path[..path.find(|c: char| !is_of_name(c) && c != ':').unwrap_or(path.len())];
    path.rsplit("::").next().filter(|name| !name.is_empty())
}

/// What follows `<..>`.
fn after_generics(text: &str) -> &str {
    if !text.starts_with('<') {
        return text;
    }
    let mut depth = 0;
    let mut before = ' ';
    for (at, c) in text.char_indices() {
        match c {
            '<' => depth += 1,
            // Not the arrow of `Fn() -> T`.
            '>' if before != '-' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return &text[at + 1..];
        }
        before = c;
    }
    ""
}

fn is_of_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The sections of a guide that is called `name`.
#[must_use]
pub fn of_guide(name: &str, text: &str) -> Vec<Entry> {
    let mut entries = Vec::new();
    let mut section = Entry { kind: Kind::Guide, title: name.to_owned(), text: String::new(), line: 1 };
    let mut is_code = false;
    for (index, line) in text.lines().enumerate() {
        is_code ^= line.trim_start().starts_with("```");
        let heading = line.trim_start_matches('#');
        if heading.len() < line.len() && heading.starts_with(' ') && !is_code {
            let title = format!("{name}: {}", heading.trim());
            let next = Entry { kind: Kind::Guide, title, text: String::new(), line: index + 1 };
            entries.push(std::mem::replace(&mut section, next));
        } else {
            section.text.push_str(line);
            section.text.push('\n');
        }
    }
    entries.push(section);
    entries.retain_mut(|entry| {
        entry.text.truncate(entry.text.trim_end().len());
        !entry.text.trim().is_empty()
    });
    entries
}

/// The module that a source file of a crate is, from its path below `src/`; `None` for a program
/// of its own.
#[must_use]
pub fn module(krate: &str, path_in_src: &str) -> Option<String> {
    let krate = krate.replace('-', "_");
    let path = path_in_src.strip_suffix(".rs")?;
    if path == "main" || path.starts_with("bin/") {
        return None;
    }
    let path = path.strip_suffix("/mod").unwrap_or(path);
    Some(if path == "lib" { krate } else { format!("{krate}::{}", path.replace('/', "::")) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn titles(source: &str) -> Vec<(Kind, String)> {
        of_source("a::b", source).into_iter().map(|entry| (entry.kind, entry.title)).collect()
    }

    #[test]
    fn each_documented_item_is_an_entry_under_its_path() {
        let source = "//! About.\n\n/// A pipe.\n/// Of two ends.\n#[derive(Debug)]\npub struct Pipe<T> {\n    inner: T,\n}\n\n\
            impl<T: Fn() -> u8> Read for Pipe<T> {\n    /// Reads.\n    pub async unsafe fn read(&mut self) {}\n}\n\
            /// Free.\npub(crate) const fn free() {}\n";
        let entries = of_source("a::b", source);
        assert_eq!(entries[0].text, "A pipe.\nOf two ends.");
        assert_eq!(entries[0].line, 3);
        assert_eq!(
            titles(source),
            [
                (Kind::Type, "a::b::Pipe".to_owned()),
                (Kind::Function, "a::b::Pipe::read".to_owned()),
                (Kind::Module, "a::b".to_owned()),
            ],
            "what only the crate itself sees is left out"
        );
    }

    #[test]
    fn what_belongs_to_nobody_and_what_is_not_documented_is_left_out() {
        assert_eq!(titles("/// Of the first.\n\npub fn one() {}\npub fn other() {}\n").len(), 1);
        assert_eq!(titles("/// Private.\nfn bare() {}\n"), []);
        assert_eq!(titles("pub fn bare() {}\n//// A rule.\npub fn other() {}\n"), []);
        assert_eq!(titles("/// Of a field.\npub name: String,\n"), []);
    }

    #[test]
    fn constants_and_constant_functions_are_told_apart() {
        let source = "/// A.\npub const ONE: u8 = 1;\n/// B.\npub const fn one() {}\n/// C.\n#[macro_export]\nmacro_rules! two {\n";
        let kinds: Vec<_> = titles(source).into_iter().map(|(kind, _)| kind).collect();
        assert_eq!(kinds, [Kind::Constant, Kind::Function, Kind::Macro]);
    }

    #[test]
    fn a_guide_is_cut_at_its_headings_but_not_in_code() {
        let entries = of_guide("README", "# Title\nHello.\n```sh\n# a comment\n```\n## Use\nSo.\n");
        let found: Vec<_> = entries.iter().map(|entry| (entry.title.as_str(), entry.line)).collect();
        assert_eq!(found, [("README: Title", 1), ("README: Use", 6)]);
        assert!(entries[0].text.contains("# a comment"));
    }

    #[test]
    fn a_file_is_a_module() {
        assert_eq!(module("actix-web", "lib.rs").as_deref(), Some("actix_web"));
        assert_eq!(module("tokio", "sync/mod.rs").as_deref(), Some("tokio::sync"));
        assert_eq!(module("tokio", "sync/mpsc.rs").as_deref(), Some("tokio::sync::mpsc"));
        assert_eq!(module("cargo", "bin/cargo.rs"), None);
        assert_eq!(module("a", "notes.txt"), None);
    }
}
