//! Attempts to connect that were under way when the machine or the page woke up: the network that
//! they were made on may be gone, and nothing says so.

use std::time::Duration;

use crate::peer::connection::carry::{First, first};
use crate::peer::link::Clocks;
use crate::peer::{Platform, Shared};
use crate::util::time::Moment;

/// So long after a wake an attempt may still succeed that began before it.
const GRACE: Duration = Duration::from_millis(2_500);

/// How often it is looked at the clocks while an attempt is under way.
const LOOK: Duration = Duration::from_secs(1);

/// A look that comes so late says that this machine slept, or that nothing of the page ran.
const LATE: Duration = Duration::from_secs(2);

/// Waits until an attempt that begins now is not worth waiting for any longer: because this
/// machine or page woke up after that, and some time has passed. Never, where nothing wakes up.
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

/// What is known of an attempt that is under way.
#[derive(Debug, Default)]
struct Attempt {
    clocks: Clocks,
    /// When it is looked next.
    next: Option<Moment>,
    /// When it is given up.
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

    /// Looks at both clocks. Gives when to look again; nothing if the attempt is to be given up.
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

    /// By what a page is told, by the wall clock, and by a look that is late.
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

    /// An attempt that began after the wake has its whole time.
    #[test]
    fn attempt_after_the_wake_is_left_alone() {
        let mut attempt = Attempt::default();
        assert_eq!(attempt.look(at(61_000), wall(900_000)), Some(at(62_000)));
        assert_eq!(attempt.look(at(62_000), wall(901_000)), Some(at(63_000)));
    }
}
