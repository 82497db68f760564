//! A browser for the tests: the one that is there, or Debian's.

use std::process::Command;

use crate::step::{output, say};

/// Chromium, and the program that drives it.
const PACKAGES: [&str; 2] = ["chromium", "chromium-driver"];

/// Makes sure of a Chromium and its driver. Installs Debian's where that is possible, which takes about 300 MB of disk.
pub(crate) fn get() -> Result<(), String> {
    if is_there() {
        return Ok(());
    }
    let user = output(Command::new("id").arg("-u")).unwrap_or_default();
    if user.trim() != "0" || output(Command::new("apt-get").arg("--version")).is_err() {
        let names = PACKAGES.join(" and ");
        return Err(format!("there is no chromedriver here; install it, for example Debian's {names}"));
    }
    say(&format!("apt-get install {}", PACKAGES.join(" ")));
    let apt = |arguments: &[&str]| {
        output(Command::new("apt-get").env("DEBIAN_FRONTEND", "noninteractive").args(arguments))
    };
    apt(&["update", "-qq"])?;
    apt(&[&["install", "-y", "-qq", "--no-install-recommends"], &PACKAGES[..]].concat())?;
    if is_there() {
        Ok(())
    } else {
        Err("the packages were installed, and chromedriver is still not there".to_owned())
    }
}

fn is_there() -> bool {
    output(Command::new("chromedriver").arg("--version")).is_ok()
}
