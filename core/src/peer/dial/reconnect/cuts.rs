//! Detects that idle connections are cut on the network path: by a proxy whose idle timeout is
//! shorter than the keepalive interval of the peers.

use std::time::Duration;

/// After this many similar cuts in a row, they are not accidental.
const ALIKE: usize = 3;

/// No proxy has an idle timeout shorter than this.
const SHORTEST: Duration = Duration::from_millis(500);

/// The last cuts of a link.
#[derive(Debug, Default)]
pub(super) struct Cuts {
    /// How long each connection had been idle, in both directions, when it was lost.
    idle: Vec<Duration>,
    is_told: bool,
}

impl Cuts {
    /// Records the loss of a connection that was idle for this long. Returns the assumed idle
    /// timeout on the network path, once.
    pub(super) fn lost(&mut self, idle: Duration) -> Option<Duration> {
        if idle < SHORTEST {
            self.idle.clear();
            return None;
        }
        if self.idle.len() == ALIKE {
            self.idle.remove(0);
        }
        self.idle.push(idle);
        let (shortest, longest) = (self.idle.iter().min()?, self.idle.iter().max()?);
        // The idle time is known with a precision of a sixteenth of a span.
        let is_limit = self.idle.len() == ALIKE && *longest - *shortest <= *longest / 4;
        if !is_limit || std::mem::replace(&mut self.is_told, true) { None } else { Some(*longest) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(seconds: &[f64]) -> Option<u64> {
        let mut cuts = Cuts::default();
        let found: Vec<_> =
            seconds.iter().filter_map(|idle| cuts.lost(Duration::from_secs_f64(*idle))).collect();
        assert!(found.len() <= 1, "it is told once");
        found.first().map(Duration::as_secs)
    }

    #[test]
    fn regular_cuts_are_told_once() {
        assert_eq!(found(&[10.0, 9.4, 10.0, 10.0, 9.4]), Some(10));
        assert_eq!(found(&[1.0, 10.0, 9.4, 10.0]), Some(10), "what was before does not matter");
    }

    #[test]
    fn other_cuts_are_not() {
        assert_eq!(found(&[10.0, 10.0]), None);
        assert_eq!(found(&[10.0, 3.0, 12.0, 1.0, 7.0]), None);
        assert_eq!(found(&[0.0, 0.0, 0.0, 0.1]), None, "something had just been said");
        assert_eq!(found(&[10.0, 10.0, 0.0, 10.0, 10.0]), None);
    }
}
