//! `demo blocks`: the blocks that this program has.

use crate::output::say;
use crate::server;

/// Prints which blocks a `demo server` runs for others, and which not.
pub(crate) fn list() -> anyhow::Result<()> {
    say(server::peer().blocks())?;
    Ok(())
}
