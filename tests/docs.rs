//! Everything that the documents name exists: tests, files, fixtures with their messages.
//! Everything that must be documented is: limits, errors.

#![allow(clippy::unwrap_used, reason = "in a test, to panic is to fail")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

/// All Rust files of the workspace, except generated ones.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && name != "target" && !name.starts_with('.') {
            sources(&path, found);
        } else if name.ends_with(".rs") {
            found.push(path);
        }
    }
}

/// The text between backticks in a line.
fn quoted(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2)
}

/// The paths of tests that a document names: in the last column of its tables, and elsewhere where
/// a name is long enough to be one.
fn named_tests(document: &str) -> BTreeSet<String> {
    let mut named = BTreeSet::new();
    for line in document.lines() {
        let last =
            line.starts_with('|').then(|| line.trim_end_matches('|').rsplit('|').next().unwrap_or_default());
        let is_path = |text: &&str| {
            text.contains("::")
                && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "_:*".contains(c))
        };
        let is_sentence =
            |text: &&str| text.rsplit("::").next().is_some_and(|name| name.matches('_').count() >= 3);
        named.extend(quoted(last.unwrap_or_default()).filter(is_path).map(str::to_owned));
        named.extend(quoted(line).filter(is_path).filter(is_sentence).map(str::to_owned));
        named.extend(quoted(line).filter_map(|text| text.strip_prefix("browser-tests: ")).map(str::to_owned));
    }
    named
}

/// Whether there is such a test: a function of this name, `*` standing for any, in a file or
/// folder of the module's name.
fn exists(test: &str, files: &[(PathBuf, String)]) -> bool {
    let (modules, name) = test.rsplit_once("::").unwrap_or_default();
    let module = modules.rsplit("::").find(|module| *module != "tests").unwrap_or_default();
    let name = if name.is_empty() { test } else { name };
    let start = format!("fn {}{}", name.trim_end_matches('*'), if name.ends_with('*') { "" } else { "(" });
    files.iter().any(|(path, text)| {
        let is_here = module.is_empty()
            || path.file_stem().is_some_and(|stem| stem == module)
            || path.parent().into_iter().flat_map(Path::iter).any(|folder| folder == module);
        // A whole module of tests.
        let is_module = name == "tests" && (text.contains("mod tests") || path.ends_with("tests.rs"));
        is_here && (is_module || text.contains(&start))
    })
}

#[test]
fn each_test_that_a_document_names_exists() {
    let mut paths = Vec::new();
    sources(root(), &mut paths);
    let files: Vec<_> =
        paths.into_iter().map(|path| (path.clone(), fs::read_to_string(&path).unwrap())).collect();
    for document in ["docs/guarantees.md", "SECURITY.md", "tests/hostile/README.md"] {
        let named = named_tests(&read(document));
        let missing: Vec<_> = named.iter().filter(|test| !exists(test, &files)).collect();
        assert!(missing.is_empty(), "{document} names tests that do not exist: {missing:#?}");
        assert!(document == "tests/hostile/README.md" || named.len() > 20, "{document}: {named:#?}");
    }
    assert!(!exists("identity::no_such_test_is_there", &files), "this test finds what is not there");
    assert!(!exists("nowhere::*", &files));
}

/// The documents round it down to a hundred, so that they need not change with each script.
#[test]
fn documents_know_how_many_scripts_of_attackers_there_are() {
    let tables = read("tests/hostile/README.md");
    let rows = tables.lines().filter(|line| line.starts_with("| ") && *line != "| script | code |").count();
    for document in ["README.md", "SECURITY.md", "CHANGELOG.md"] {
        assert!(
            read(document).contains(&format!("more than {} scripts", rows / 100 * 100)),
            "{document} does not speak of more than {} scripts: there are {rows}",
            rows / 100 * 100
        );
    }
}

#[test]
fn each_mistake_has_a_fixture_of_its_name_with_its_message() {
    let table = read("macros/tests/README.md");
    let mut told = BTreeSet::new();
    for row in table.lines().filter(|line| line.contains("tests/ui/fail/")) {
        let cells: Vec<_> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let [mistake, message, fixture] = cells[..] else { panic!("a row of three: {row}") };
        let name =
            fixture.split_once("](../../tests/ui/fail/").and_then(|(_, rest)| rest.strip_suffix(".rs)"));
        let name = name.unwrap_or_else(|| panic!("no fixture: {fixture}"));
        assert_eq!(mistake.replace(' ', "_"), name, "a fixture is named after its mistake");
        let output = read(&format!("tests/ui/fail/{name}.stderr"));
        // What follows says what stands further down.
        let first =
            message.split(", with `").next().unwrap_or_default().split("; then: ").next().unwrap_or_default();
        assert!(output.contains(first), "{name} does not say \"{first}\":\n{output}");
        told.insert(format!("{name}.rs"));
    }
    let fixtures = fs::read_dir(root().join("tests/ui/fail")).unwrap();
    let fixtures: BTreeSet<_> = fixtures
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .filter(|name| name.ends_with(".rs"))
        .collect();
    let differences: Vec<_> = told.symmetric_difference(&fixtures).collect();
    assert!(differences.is_empty(), "in the table or among the fixtures alone: {differences:?}");
}

#[test]
fn no_message_names_what_a_macro_made_up() {
    for entry in fs::read_dir(root().join("tests/ui/fail")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|ending| ending == "stderr") {
            let output = fs::read_to_string(&path).unwrap();
            for made_up in [
                "slot0",
                "slot1",
                "__Demo",
                "__DEMO",
                "__receiver",
                "__register",
                "value0",
                "registrar",
                "__private",
            ] {
                assert!(!output.contains(made_up), "{} names `{made_up}`:\n{output}", path.display());
            }
        }
    }
}

/// The guides: each page under `docs/`.
fn pages() -> Vec<PathBuf> {
    let mut pages = Vec::new();
    for folder in ["docs", "docs/decisions", "docs/how-to"] {
        let files = fs::read_dir(root().join(folder)).unwrap().map(|entry| entry.unwrap().path());
        pages.extend(files.filter(|path| path.extension().is_some_and(|ending| ending == "md")));
    }
    pages
}

/// The targets of the links in a document, without those to other hosts.
fn links(text: &str) -> impl Iterator<Item = &str> {
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    targets.filter(|target| !target.contains("://"))
}

#[test]
fn links_of_documents_lead_somewhere() {
    let at_top = ["README.md", "SECURITY.md", "ARCHITECTURE.md", "PROTOCOL.md", "CONTRIBUTING.md"];
    for document in pages().into_iter().chain(at_top.map(|name| root().join(name))) {
        let text = fs::read_to_string(&document).unwrap();
        for link in links(&text) {
            let file = link.split('#').next().unwrap_or_default();
            let target = document.parent().unwrap().join(file);
            assert!(file.is_empty() || target.exists(), "{}: {link}", document.display());
        }
    }
}

/// The files that a contributor is sent to.
#[test]
fn paths_in_how_tos_exist() {
    for page in
        pages().into_iter().filter(|page| page.parent().is_some_and(|folder| folder.ends_with("how-to")))
    {
        let text = fs::read_to_string(&page).unwrap();
        let is_path = |text: &&str| text.contains('/') && !text.contains(' ');
        for path in text.lines().flat_map(quoted).filter(is_path) {
            assert!(root().join(path).exists(), "{}: {path}", page.display());
        }
    }
}

#[test]
fn each_guide_is_in_the_summary_and_compiled() {
    let (summary, facade) = (read("docs/SUMMARY.md"), read("src/lib.rs"));
    for page in pages() {
        let path = page.strip_prefix(root().join("docs")).unwrap().to_string_lossy().into_owned();
        assert!(
            path == "SUMMARY.md" || summary.contains(&format!("({path})")),
            "{path} is not in the summary"
        );
        if fs::read_to_string(&page).unwrap().contains("```rust") {
            assert!(
                facade.contains(&format!("../docs/{path}")),
                "{path} has code that `src/lib.rs` does not compile"
            );
        }
    }
}

/// The names of an enum's variants.
fn variants(file: &str, name: &str) -> Vec<String> {
    let text = read(file);
    let body = text.split_once(&format!("pub enum {name} {{")).unwrap().1.split("\n}").next().unwrap();
    let lines = body.lines().filter_map(|line| line.strip_prefix("    "));
    let names = lines.filter(|line| line.starts_with(|c: char| c.is_ascii_uppercase()));
    names.map(|line| line.split(|c: char| !c.is_alphanumeric()).next().unwrap().to_owned()).collect()
}

#[test]
fn each_error_has_its_cause_and_fix() {
    let page = read("docs/troubleshooting.md");
    let kinds = read("core/src/error/kind.rs");
    let codes = kinds
        .lines()
        .filter_map(|line| line.trim().strip_suffix("\",")?.split_once("=> \""))
        .map(|(_, code)| code);
    let codes: Vec<_> = codes.map(str::to_owned).collect();
    assert!(codes.len() > 25, "{codes:?}");
    let rejects = variants("core/src/wire/frame/reject.rs", "Reject");
    let connects = variants("core/src/peer/dial/connect_error.rs", "ConnectError");
    assert!(rejects.len() > 10 && connects.len() > 10, "{rejects:?} {connects:?}");
    let streams = variants("core/src/channel/error.rs", "StreamErrorKind");
    let sends = variants("core/src/channel/error.rs", "SendError");
    assert!(streams.len() > 6 && sends.len() > 4, "{streams:?} {sends:?}");
    for name in codes.into_iter().chain(rejects).chain(connects).chain(streams).chain(sends) {
        assert!(page.contains(&format!("\n| `{name}` |")), "docs/troubleshooting.md has no row of `{name}`");
    }
}

#[test]
fn each_limit_has_a_row() {
    let (page, source) = (read("docs/limits.md"), read("core/src/limits/mod.rs"));
    let fields = source.lines().filter_map(|line| line.strip_prefix("    pub ")?.split_once(':'));
    let fields: Vec<_> = fields.map(|(name, _)| name).collect();
    assert!(fields.len() > 20, "{fields:?}");
    for name in fields {
        assert!(page.contains(&format!("\n| `{name}` |")), "docs/limits.md has no row of `{name}`");
    }
}
