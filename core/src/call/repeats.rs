//! How often, and how soon, a call that does no harm twice is made again after its session was
//! lost.

use std::time::Duration;

use crate::util::time::Moment;

/// So often in a row it is made again.
const MOST: u32 = 5;

/// A call that was under way for so long before its session was lost begins a new row: the other
/// peer was well meanwhile.
const GOOD: Duration = Duration::from_secs(10);

/// The repeats of one call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Repeats {
    in_a_row: u32,
    begun: Moment,
}

impl Repeats {
    pub(crate) fn new(begun: Moment) -> Self {
        Self { in_a_row: 0, begun }
    }

    /// The session was lost: when the call is to be made again, if it is. The first of a row is
    /// made at once, so that it is not overtaken by calls that are made when the new session
    /// begins. The second waits for this pause, and each after it twice as long as the one
    /// before.
    pub(crate) fn next(&mut self, now: Moment, pause: Duration) -> Option<Moment> {
        if now.since(self.begun) >= GOOD {
            self.in_a_row = 0;
        }
        if self.in_a_row >= MOST {
            return None;
        }
        let again = match self.in_a_row.checked_sub(1) {
            None => now,
            Some(doublings) => now + pause.saturating_mul(1 << doublings),
        };
        self.in_a_row += 1;
        self.begun = again;
        Some(again)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Moment {
        Moment::after_origin(Duration::from_millis(millis))
    }

    #[test]
    fn repeats_have_pauses_and_an_end() {
        let (mut repeats, mut now, mut pauses) = (Repeats::new(at(0)), at(0), Vec::new());
        while let Some(again) = repeats.next(now, Duration::from_millis(100)) {
            pauses.push(again.since(now).as_millis());
            now = again;
        }
        assert_eq!(pauses, [0, 100, 200, 400, 800]);
    }

    #[test]
    fn call_that_lasted_begins_a_new_row() {
        let (mut repeats, mut now) = (Repeats::new(at(0)), at(0));
        for _ in 0..100 {
            now = now + GOOD;
            let again = repeats.next(now, Duration::from_millis(100)).unwrap();
            assert_eq!(again, now, "the first of a row is made at once");
        }
    }
}
