//! Whether something on the way cuts connections that are idle: a proxy with a limit that is
//! shorter than the time after which peers say something.

use std::time::Duration;

/// After so many cuts in a row that look alike, it is no accident.
const ALIKE: usize = 3;

/// Nobody has a limit as short as this.
const SHORTEST: Duration = Duration::from_millis(500);

/// The last cuts of a link.
#[derive(Debug, Default)]
pub(super) struct Cuts {
    /// For how long nothing had been said on a connection, in either direction, when it was lost.
    idle: Vec<Duration>,
    is_told: bool,
}

impl Cuts {
    /// A connection was lost on which nothing had been said for so long. Gives the limit that
    /// something on the way seems to have, once.
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
        // It is known to a sixteenth of a span.
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
