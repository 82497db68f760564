//! Calls from one peer to another, as they happen.

use distributed_scope::PeerId;
use serde::{Deserialize, Serialize};

/// Identifies a hop. Later hops have greater ids, also after a restart of the server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct HopId(pub u64);

/// An event of a hop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// A call was made.
    Begun {
        /// The hop.
        hop: HopId,
        /// The peer that makes the call.
        from: PeerId,
        /// The peer that runs the block.
        to: PeerId,
        /// The function that contains the block.
        function: String,
        /// A description of the call, for users.
        what: String,
    },
    /// The call has ended.
    Ended {
        /// The hop.
        hop: HopId,
        /// How long it took for its caller; `None` if it failed.
        microseconds: Option<u64>,
    },
}

/// A duration, formatted for users.
#[must_use]
pub fn milliseconds(microseconds: u64) -> String {
    match microseconds {
        0..100_000 => format!("{:.1} ms", microseconds as f64 / 1e3),
        100_000..1_000_000 => format!("{} ms", microseconds / 1_000),
        _ => format!("{:.1} s", microseconds as f64 / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_as_many_digits_as_mean_something() {
        assert_eq!(milliseconds(0), "0.0 ms");
        assert_eq!(milliseconds(1_234), "1.2 ms");
        assert_eq!(milliseconds(123_456), "123 ms");
        assert_eq!(milliseconds(12_345_678), "12.3 s");
    }
}
