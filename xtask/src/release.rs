//! `cargo xtask package` and `cargo xtask minimal-versions`: what has to hold before a release.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::step::{Passed, Step, cargo, output, root, run, say, target_directory};

/// The crates that are published, in the order in which they are.
const PUBLISHED: [&str; 7] = [
    "distributed-scope-core",
    "distributed-scope-macros",
    "distributed-scope-actor-peer",
    "distributed-scope-auth-jwt",
    "distributed-scope-browser-peer",
    "distributed-scope-testing",
    "distributed-scope",
];

/// Their folders, as members of a workspace.
const MEMBERS: &str = r#"[".", "core", "macros", "actor-peer", "auth-jwt", "browser-peer", "testing"]"#;

/// What a package may contain, by the beginnings of its paths.
const CONTENTS: [&str; 11] = [
    ".cargo_vcs_info.json",
    "CHANGELOG.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE-",
    "PROTOCOL.md",
    "README.md",
    "SECURITY.md",
    "docs/",
    "examples/",
    "src/",
];

pub(crate) fn package() -> Vec<Step> {
    vec![
        Step::check("packages contain sources, documents and licences, and nothing else", contents),
        Step::check("each package builds from what it contains", build),
        Step::check("a program outside of the workspace runs on the packages", outside),
    ]
}

pub(crate) fn minimal_versions() -> Vec<Step> {
    vec![Step::check("the published crates build with the oldest versions that they allow", oldest)]
}

/// The arguments that choose the published crates.
fn packages() -> impl Iterator<Item = &'static str> {
    PUBLISHED.into_iter().flat_map(|name| ["--package", name])
}

fn contents() -> Result<Passed, String> {
    for name in PUBLISHED {
        let list = output(cargo().args(["package", "--list", "--allow-dirty", "--package", name]))?;
        let is_foreign = |path: &&str| !CONTENTS.iter().any(|known| path.starts_with(known));
        if let Some(path) = list.lines().find(is_foreign) {
            return Err(format!("the package {name} contains {path}: see `include` in its manifest"));
        }
        for needed in ["README.md", "LICENSE-APACHE", "LICENSE-MIT"] {
            if !list.lines().any(|path| path == needed) {
                return Err(format!("the package {name} does not contain {needed}"));
            }
        }
    }
    Ok(Passed::Holds)
}

/// Cargo packages crates that depend on each other together, and builds each from its package.
fn build() -> Result<Passed, String> {
    run(cargo().args(["package", "--allow-dirty", "--quiet"]).args(packages()))?;
    Ok(Passed::Holds)
}

/// A fresh folder under the target directory.
fn fresh(name: &str) -> Result<PathBuf, String> {
    let folder = target_directory().join(name);
    if folder.exists() {
        fs::remove_dir_all(&folder)
            .map_err(|error| format!("cannot remove {}: {error}", folder.display()))?;
    }
    fs::create_dir_all(folder.join("src"))
        .map_err(|error| format!("cannot create {}: {error}", folder.display()))?;
    Ok(folder)
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    fs::write(path, text).map_err(|error| format!("cannot write {}: {error}", path.display()))
}

/// Unpacks the packages and runs the README's first program on them.
fn outside() -> Result<Passed, String> {
    let folder = fresh("outside")?;
    let version = version()?;
    let mut patch = String::from("[patch.crates-io]\n");
    for name in PUBLISHED {
        let package = target_directory().join("package").join(format!("{name}-{version}.crate"));
        run(Command::new("tar").args(["-xzf"]).arg(&package).arg("-C").arg(&folder))?;
        patch += &format!("{name} = {{ path = \"{name}-{version}\" }}\n");
    }
    let manifest = format!(
        "[workspace]\n\n[package]\nname = \"outside\"\nversion = \"0.0.0\"\nedition = \"2024\"\npublish = false\n\n\
         [dependencies]\nactix-web = \"4\"\nanyhow = \"1\"\ndistributed-scope = \"{version}\"\n\n\
         [dev-dependencies]\ndistributed-scope = {{ version = \"{version}\", features = [\"testing\"] }}\n\n{patch}"
    );
    write(&folder.join("Cargo.toml"), &manifest)?;
    write(&folder.join("src/main.rs"), &readme_program()?)?;
    // The versions that were tested.
    fs::copy(root().join("Cargo.lock"), folder.join("Cargo.lock"))
        .map_err(|error| format!("cannot copy Cargo.lock: {error}"))?;
    let printed = output(
        cargo().current_dir(&folder).args(["run", "--quiet"]).env("CARGO_TARGET_DIR", folder.join("target")),
    )?;
    say(printed.trim_end());
    match printed.trim().is_empty() {
        false => Ok(Passed::Holds),
        true => Err("the README's first program prints nothing".to_owned()),
    }
}

/// The version of all crates.
fn version() -> Result<String, String> {
    let id = output(cargo().args(["pkgid", "--package", "distributed-scope"]))?;
    let version = id.trim().rsplit(['#', '@']).next().unwrap_or_default();
    Ok(version.to_owned())
}

/// The first complete program of the README, without the `#` of lines that it hides.
fn readme_program() -> Result<String, String> {
    let readme = fs::read_to_string(root().join("README.md"))
        .map_err(|error| format!("cannot read README.md: {error}"))?;
    let program = readme.split("```rust").skip(1).filter_map(|rest| rest.split("```").next());
    let program = program.map(|block| block.split_once('\n').map_or("", |(_, code)| code));
    let program = program.into_iter().find(|code| code.contains("async fn main("));
    let program = program.ok_or("README.md has no program with `async fn main`")?;
    let shown = |line: &str| line.strip_prefix("# ").unwrap_or(line).to_owned() + "\n";
    Ok(program.lines().map(shown).collect())
}

/// In a copy of the sources, because the lock file changes.
fn oldest() -> Result<Passed, String> {
    let has_nightly = output(Command::new("cargo").args(["+nightly", "--version"])).is_ok();
    if !has_nightly {
        return Ok(Passed::Skipped("there is no nightly cargo, which alone can choose them".to_owned()));
    }
    let folder = fresh("minimal-versions")?;
    let files = output(Command::new("git").current_dir(root()).args(["ls-files"]))?;
    for file in
        files.lines().filter(|file| file.ends_with(".rs") || file.ends_with(".toml") || file.ends_with(".md"))
    {
        let (from, to) = (root().join(file), folder.join(file));
        if let Some(parent) = to.parent() {
            fs::create_dir_all(parent)
                .map_err(|error| format!("cannot create {}: {error}", parent.display()))?;
        }
        fs::copy(&from, &to).map_err(|error| format!("cannot copy {}: {error}", from.display()))?;
    }
    let manifest = fs::read_to_string(folder.join("Cargo.toml")).map_err(|error| error.to_string())?;
    let members = |line: &str| match line.starts_with("members = ") {
        true => format!("members = {MEMBERS}\n"),
        false => format!("{line}\n"),
    };
    write(&folder.join("Cargo.toml"), &manifest.lines().map(members).collect::<String>())?;
    let nightly = || {
        let mut command = Command::new("cargo");
        command.arg("+nightly").current_dir(&folder);
        command
    };
    run(nightly().args(["update", "--quiet", "-Z", "direct-minimal-versions"]))?;
    run(cargo()
        .current_dir(&folder)
        .args(["check", "--quiet", "--locked", "--features", "rustls,jwt,testing"])
        .env("CARGO_TARGET_DIR", folder.join("target")))?;
    Ok(Passed::Holds)
}
