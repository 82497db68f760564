//! A test: its runtime and its virtual time.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime;
use tokio::task::LocalSet;
use tokio::time::timeout;

use crate::world::World;

/// The virtual time that a test may take. Only a test that waits for ever reaches it.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// Runs a test on a network of its own, in virtual time.
pub(crate) fn run<T>(seed: u64, test: impl AsyncFnOnce(Arc<World>) -> T) -> T {
    let mut builder = runtime::Builder::new_current_thread();
    // The threads of blocking blocks come and go with the test.
    let runtime = builder.enable_time().start_paused(true).build();
    let runtime = runtime.expect("a runtime without I/O needs nothing of the system");
    let local = LocalSet::new();
    local.block_on(&runtime, async {
        let world = Arc::new(World::new(seed));
        let _end = End(Arc::clone(&world));
        timeout(LONGEST, test(world)).await.unwrap_or_else(|_| {
            panic!("the test did not end within {} hours of virtual time", LONGEST.as_secs() / 3600)
        })
    })
}

/// Ends the network with its test, also if the test panics.
struct End(Arc<World>);

impl Drop for End {
    fn drop(&mut self) {
        self.0.end();
    }
}
