//! Detects that this machine slept: the wall clock advanced, and the clock that times are measured
//! with did not.

use std::time::Duration;

use crate::util::time::Moment;

/// The excess time on the wall clock that counts as sleep. A wall clock that is set forward looks
/// the same, which costs a ping.
const SLEPT: Duration = Duration::from_secs(2);

/// The time of the last check, by each of the clocks.
#[derive(Debug, Default)]
pub(in crate::peer) struct Clocks(Option<(Moment, Duration)>);

impl Clocks {
    /// Whether this machine has slept since the last check.
    pub(in crate::peer) fn have_slept(&mut self, now: Moment, wall: Duration) -> bool {
        self.0.replace((now, wall)).is_some_and(|(before, wall_before)| {
            wall.saturating_sub(wall_before) >= now.since(before).saturating_add(SLEPT)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The result at each of these moments, in seconds by both clocks.
    fn found(looks: &[(u64, u64)]) -> Vec<bool> {
        let mut clocks = Clocks::default();
        let look = |&(now, wall)| {
            clocks.have_slept(Moment::after_origin(Duration::from_secs(now)), Duration::from_secs(wall))
        };
        looks.iter().map(look).collect()
    }

    #[test]
    fn sleep_is_noticed_once() {
        assert_eq!(found(&[(1, 1000), (2, 1001), (3, 1300), (4, 1301)]), [false, false, true, false]);
        assert_eq!(found(&[(1, 1000), (60, 1060), (61, 900), (62, 901)]), [false; 4], "late, or set back");
    }
}
