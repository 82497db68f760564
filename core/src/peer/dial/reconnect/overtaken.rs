//! Connection attempts that were in progress when the machine or the page woke up. The network
//! that they were made on may be gone, and no event reports that.

use std::time::Duration;

use crate::peer::connection::carry::{First, first};
use crate::peer::link::Clocks;
use crate::peer::{Platform, Shared};
use crate::util::time::Moment;

/// How long after a wake-up an attempt may still succeed that began before it.
const GRACE: Duration = Duration::from_millis(2_500);

/// How often the clocks are checked while an attempt is in progress.
const LOOK: Duration = Duration::from_secs(1);

/// If a check is this late, the machine slept, or the page was suspended.
const LATE: Duration = Duration::from_secs(2);

/// Completes when an attempt that begins now is no longer worth waiting for: this machine or page
/// woke up after its start, and some time has passed. Without a wake-up, it never completes.
pub(super) async fn until_overtaken<P: Platform>(shared: &Shared<P>) {
    let platform = shared.platform();
    let mut attempt = Attempt::default();
    let mut woken = Box::pin(platform.until_woken());
    while let Some(look) = attempt.look(platform.now(), platform.wall_clock()) {
        match attempt.has_woken() {
            true => Box::pin(platform.sleep_until(look)).await,
            false => match first(&mut woken, Box::pin(platform.sleep_until(look))).await {
                First::One(()) => attempt.woke(platform.now()),
                First::Other(()) => {}
            },
        }
    }
}

/// The state of an attempt in progress.
#[derive(Debug, Default)]
struct Attempt {
    clocks: Clocks,
    /// The time of the next check.
    next: Option<Moment>,
    /// When the attempt is given up.
    until: Option<Moment>,
}

impl Attempt {
    /// The machine or the page woke up. The first time counts: further events give an attempt no
    /// more time.
    fn woke(&mut self, now: Moment) {
        self.until.get_or_insert(now + GRACE);
    }

    fn has_woken(&self) -> bool {
        self.until.is_some()
    }

    /// Checks both clocks. Returns when to check again, or `None` if the attempt is to be given
    /// up.
    fn look(&mut self, now: Moment, wall: Duration) -> Option<Moment> {
        let is_late = self.next.is_some_and(|next| now.since(next) >= LATE);
        if self.clocks.have_slept(now, wall) || is_late {
            self.woke(now);
        }
        let next = self.until.unwrap_or(now + LOOK);
        self.next = (next > now).then_some(next);
        self.next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Moment {
        Moment::after_origin(Duration::from_millis(millis))
    }

    fn wall(millis: u64) -> Duration {
        Duration::from_millis(1_000_000 + millis)
    }

    #[test]
    fn attempt_without_wake_is_not_given_up() {
        let mut attempt = Attempt::default();
        for second in 0..60 {
            let now = second * 1000;
            assert_eq!(attempt.look(at(now), wall(now)), Some(at(now + 1000)));
        }
    }

    /// The wake-up is detected by a page event, by the wall clock, and by a late check.
    #[test]
    fn attempt_is_given_up_soon_after_a_wake() {
        let mut told = Attempt::default();
        told.look(at(0), wall(0));
        told.woke(at(300));
        assert_eq!(told.look(at(300), wall(300)), Some(at(2_800)));
        told.woke(at(2_000));
        assert_eq!(told.look(at(2_000), wall(2_000)), Some(at(2_800)), "a second event gives no more time");
        assert_eq!(told.look(at(2_800), wall(2_800)), None);

        let mut slept = Attempt::default();
        slept.look(at(0), wall(0));
        assert_eq!(slept.look(at(1_000), wall(601_000)), Some(at(3_500)), "the wall clock alone went on");
        assert_eq!(slept.look(at(3_500), wall(603_500)), None);

        let mut late = Attempt::default();
        late.look(at(0), wall(0));
        assert_eq!(late.look(at(61_000), wall(61_000)), Some(at(63_500)), "both clocks went on");
        assert_eq!(late.look(at(63_500), wall(63_500)), None);
    }

    /// An attempt that began after the wake-up has its full time.
    #[test]
    fn attempt_after_the_wake_is_left_alone() {
        let mut attempt = Attempt::default();
        assert_eq!(attempt.look(at(61_000), wall(900_000)), Some(at(62_000)));
        assert_eq!(attempt.look(at(62_000), wall(901_000)), Some(at(63_000)));
    }
}
