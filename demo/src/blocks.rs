//! `demo blocks`: the blocks that this program has.

use crate::output::say;
use crate::server;

/// Prints what a `demo server` runs for others, and what it does not.
pub(crate) fn list() -> anyhow::Result<()> {
    say(server::peer().blocks())?;
    Ok(())
}
