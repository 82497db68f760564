//! Under which name a package depends on `distributed-scope`.
//!
//! rustc would say for each path in the expansion that there is no such crate, and not what to do.
//! What Cargo.toml says is only used where it surely leaves the name out.
//!
//! The crate `proc-macro-crate` (3.5, MIT or Apache-2.0) finds the name, too. It is not used: it
//! brings eight crates into each user's build, a TOML parser among them (6 s of processor time,
//! where these macros need three crates), and starts `cargo locate-project` for each crate that is
//! compiled. That is too much for the text of one message. A mistake of this scanner costs no
//! more than that: it speaks only where the name is missing, and `crate = ..` turns it off.

use std::path::Path;
use std::{env, fs};

/// What is wrong if the package that is compiled has no dependency with this name, as far as that
/// is known.
pub(crate) fn mistake() -> Option<String> {
    let folder = env::var_os("CARGO_MANIFEST_DIR")?;
    let manifest = fs::read_to_string(Path::new(&folder).join("Cargo.toml")).ok()?;
    missing(&manifest)
}

const NAME: &str = "distributed-scope";

fn missing(manifest: &str) -> Option<String> {
    let lines = manifest.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
    let (mut table, mut renamed) = (String::new(), None);
    for line in lines {
        let is_header = line.starts_with('[') && line.ends_with(']') && !line.contains('=');
        if is_header {
            table = line.trim_matches(['[', ']']).trim().to_owned();
        }
        if has_key(line, NAME) || has_key(line, "distributed_scope") || is_package_itself(&table, line) {
            return None;
        }
        if value_of(line, "package") == Some(NAME) {
            renamed = Some(match line.split_once('=') {
                // `scope = { package = "distributed-scope" }`
                Some((key, value)) if value.contains('{') => key.trim().to_owned(),
                // `scope.package = ..`, and `package = ..` in a table of its own.
                Some((key, _)) if key.contains('.') => {
                    key.split('.').next().unwrap_or_default().trim().to_owned()
                }
                _ => table.rsplit('.').next().unwrap_or_default().to_owned(),
            });
        }
    }
    Some(match renamed.map(|name| name.trim_matches('"').replace('-', "_")) {
        Some(name) => format!(
            "this package depends on `distributed-scope` under the name `{name}`: write `#[distributed(crate = {name})]`"
        ),
        None => "this package has no dependency `distributed-scope`: add it to Cargo.toml, or, where another crate re-exports it, write its \
                 path, `#[distributed(crate = that_crate::distributed_scope)]`"
            .to_owned(),
    })
}

/// Whether this may be a key of the manifest: what follows it is `=`, `.` or the end of a table's
/// name.
fn has_key(line: &str, name: &str) -> bool {
    line.match_indices(name).any(|(start, _)| {
        let before = line[..start].chars().next_back();
        let begins = before.is_none_or(|before| !(before.is_alphanumeric() || "-_/".contains(before)));
        let rest = line[start + name.len()..].trim_start_matches('"').trim_start();
        begins && rest.starts_with(['=', '.', ']'])
    })
}

fn is_package_itself(table: &str, line: &str) -> bool {
    table == "package" && value_of(line, "name") == Some(NAME)
}

/// The text that a key has in this line.
fn value_of<'l>(line: &'l str, key: &str) -> Option<&'l str> {
    line.match_indices(key).find_map(|(start, _)| {
        let value = line[start + key.len()..].trim_start().strip_prefix('=')?.trim_start();
        value.strip_prefix('"')?.split('"').next()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dependency_of_another_name_is_told_with_that_name() {
        for manifest in [
            "[dependencies]\nscope = { package = \"distributed-scope\", version = \"1\" }",
            "[dependencies]\nscope = { version = \"1\", package=\"distributed-scope\" } # distributed-scope = 1",
            "[dependencies.scope]\nversion = \"1\"\npackage = \"distributed-scope\"",
            "[target.'cfg(unix)'.dependencies]\nscope.package = \"distributed-scope\"\nscope.version = \"1\"",
        ] {
            let message = missing(manifest).unwrap();
            assert!(
                message.ends_with("under the name `scope`: write `#[distributed(crate = scope)]`"),
                "{message}"
            );
        }
        let dashed = "[dependencies]\n\"our-scope\" = { package = \"distributed-scope\" }";
        assert!(missing(dashed).unwrap().contains("#[distributed(crate = our_scope)]"));
    }

    #[test]
    fn package_without_the_dependency_is_told_of_re_exports() {
        for manifest in [
            "[dependencies]\nfacade = \"1\"",
            "[dependencies]\ndistributed-scope-core = \"1\"",
            "[package]\nname = \"app\"",
        ] {
            assert!(missing(manifest).unwrap().contains("re-exports"), "{manifest}");
        }
    }

    #[test]
    fn dependency_of_this_name_is_found_however_it_is_written() {
        for manifest in [
            "[dependencies]\ndistributed-scope = \"1\"",
            "[dependencies]\n\"distributed-scope\" = { path = \"..\" }",
            "[dependencies]\ndistributed-scope.workspace = true",
            "[dev-dependencies.distributed-scope]\npath = \"..\"",
            "[target.'cfg(unix)'.dependencies.distributed-scope]\nversion = \"1\"",
            "dependencies = { a = \"1\", distributed-scope = \"1\" }",
            "[dependencies]\ndistributed_scope = { package = \"distributed-scope\", version = \"1\" }",
            "[package]\nname = \"distributed-scope\"",
        ] {
            assert_eq!(missing(manifest), None, "{manifest}");
        }
    }
}
