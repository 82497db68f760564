//! `cargo xtask web`: builds the pages' bundles, and serves them.

use std::path::PathBuf;

use crate::proxies;
use crate::step::{Passed, Step, cargo, run, say, target_directory};
use crate::web_browser;
use crate::web_toolchain::{TARGET, Toolchain};
use crate::web_units;

/// The packages that are built into bundles, and the size that each may have, compressed.
const BUNDLES: &[Bundle] = &[
    Bundle { name: "demo-seed", package: "demo-seed", features: &[], limit: 222 },
    Bundle { name: "browser-tests", package: "browser-tests", features: &[], limit: 280 },
    // Before the other one of its package, whose module is then the one that stays.
    Bundle {
        name: "demo-browser-outdated",
        package: "demo-browser",
        features: &["--features", "another-version"],
        limit: 350,
    },
    Bundle { name: "demo-browser", package: "demo-browser", features: &[], limit: 350 },
];

/// A package that is built for the browser.
#[derive(Debug)]
struct Bundle {
    /// The name of its folder.
    name: &'static str,
    package: &'static str,
    /// The arguments of cargo that choose its features.
    features: &'static [&'static str],
    /// In kilobytes of 1000 bytes, compressed by gzip; a build that is larger fails.
    limit: u64,
}

/// Builds all bundles, or the one of this name.
pub(crate) fn build(only: Option<&str>) -> Result<(), String> {
    let bundles: Vec<_> =
        BUNDLES.iter().filter(|bundle| only.is_none_or(|only| bundle.name == only)).collect();
    if bundles.is_empty() {
        let known: Vec<_> = BUNDLES.iter().map(|bundle| bundle.name).collect();
        let asked = only.unwrap_or_default();
        return Err(format!("there is no bundle `{asked}`; there are: {}", known.join(", ")));
    }
    let toolchain = Toolchain::get()?;
    for bundle in bundles {
        bundle.build(&toolchain)?;
    }
    Ok(())
}

/// `cargo xtask web test`: the bundles, and the tests of pages.
pub(crate) fn steps() -> Vec<Step> {
    vec![
        Step::check("bundles for pages, none larger than it may be", build_all),
        Step::check("pages as peers, in Chromium", test),
    ]
}

/// Builds all bundles, as a step. It is skipped where there is no compiler for them.
fn build_all() -> Result<Passed, String> {
    match Toolchain::get() {
        Err(reason) => Ok(Passed::Skipped(reason)),
        Ok(_) => build(None).map(|()| Passed::Holds),
    }
}

/// Runs the tests that need a browser and the bundles, as a step. It is skipped if these are not
/// available.
fn test() -> Result<Passed, String> {
    let Some(toolchain) = Toolchain::present() else {
        return Ok(Passed::Skipped("there are no bundles".to_owned()));
    };
    if let Err(reason) = web_browser::get() {
        return Ok(Passed::Skipped(reason));
    }
    web_units::test(&toolchain)?;
    for (package, tests) in [("browser-tests", &["in_a_browser"][..]), ("demo", &["search", "board"])] {
        let mut cargo = cargo();
        cargo.args(["test", "--package", package, "--features", "in-a-browser"]);
        cargo.args(tests.iter().flat_map(|test| ["--test", test]));
        if package == "browser-tests" && proxies::get().is_ok() {
            // Those behind a proxy.
            cargo.args(["--", "--include-ignored"]);
        }
        run(&mut cargo)?;
    }
    Ok(Passed::Holds)
}

/// Builds all bundles and serves the pages until it is interrupted.
pub(crate) fn serve() -> Result<(), String> {
    build(None)?;
    run(cargo().args(["run", "--quiet", "--package", "demo", "--", "search"]))
}

impl Bundle {
    fn build(&self, toolchain: &Toolchain) -> Result<(), String> {
        let Self { name, package, features, limit } = self;
        say(&format!("building {name} for {TARGET}"));
        let build = ["--quiet", "--profile", "web", "--package", package];
        run(toolchain.cargo("build")?.args(build).args(*features))?;
        let built = toolchain
            .target_dir()
            .join(TARGET)
            .join("web")
            .join(format!("{}.wasm", package.replace('-', "_")));
        // A program of its own, with libraries that take a minute to build, so that other tasks
        // need not
        // wait for them.
        let finish = ["run", "--quiet", "--package", "web-bundle", "--"];
        run(cargo().args(finish).args([&built, &folder(name)]).arg(limit.to_string()))
    }
}

/// The path of a bundle.
fn folder(name: &str) -> PathBuf {
    target_directory().join("web").join(name)
}
