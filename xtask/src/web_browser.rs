//! A browser for the tests.

use crate::packages;

/// Makes sure of a Chromium and its driver. To install them takes about 300 MB of disk.
pub(crate) fn get() -> Result<(), String> {
    packages::get(&[("chromedriver", "--version")], &["chromium", "chromium-driver"])
}
