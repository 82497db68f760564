//! Time as this crate sees it: an argument; it never reads a clock.

use std::time::Duration;

/// A point in time: microseconds since an origin that the driver chose once for the whole process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Moment(u64);

impl Moment {
    /// The moment this long after the driver's origin.
    #[must_use]
    pub fn after_origin(elapsed: Duration) -> Self {
        Self(micros(elapsed))
    }

    /// How long after the driver's origin this is.
    #[must_use]
    pub fn since_origin(self) -> Duration {
        Duration::from_micros(self.0)
    }

    /// How much later `self` is than `earlier`; zero when it is not later.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }

    /// The same in milliseconds, rounded up so that a little time left is not none. More than fits
    /// is as much as fits.
    pub(crate) fn millis_since(self, earlier: Self) -> u32 {
        let millis = self.0.saturating_sub(earlier.0).div_ceil(1000);
        u32::try_from(millis).unwrap_or(u32::MAX).min(u32::MAX - 1)
    }
}

/// More than fits is as much as fits. `Duration::as_micros` calculates with 128 bits, which takes
/// several times as long.
pub(crate) fn micros(duration: Duration) -> u64 {
    duration.as_secs().saturating_mul(1_000_000).saturating_add(u64::from(duration.subsec_micros()))
}

impl std::ops::Add<Duration> for Moment {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(micros(duration)))
    }
}

/// When a call must have ended.
///
/// It crosses the wire as the time that is left, so two peers' clocks need not agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadline(Option<Moment>);

impl Deadline {
    /// No deadline. Only a call that says so has none.
    #[must_use]
    pub const fn never() -> Self {
        Self(None)
    }

    /// The deadline at this moment.
    #[must_use]
    pub const fn at(moment: Moment) -> Self {
        Self(Some(moment))
    }

    /// The moment of the deadline, if there is one.
    #[must_use]
    pub const fn moment(self) -> Option<Moment> {
        self.0
    }

    /// The time left at `now`; `None` when there is no deadline.
    #[must_use]
    pub fn remaining(self, now: Moment) -> Option<Duration> {
        self.0.map(|moment| moment.since(now))
    }

    /// The same in milliseconds, rounded up.
    pub(crate) fn remaining_millis(self, now: Moment) -> Option<u32> {
        self.0.map(|moment| moment.millis_since(now))
    }

    /// Whether the deadline has passed at `now`.
    #[must_use]
    pub fn has_passed(self, now: Moment) -> bool {
        self.0.is_some_and(|moment| moment <= now)
    }

    /// The earlier of two deadlines: a nested call never outlives its caller.
    #[must_use]
    pub fn earlier(self, other: Self) -> Self {
        match (self.0, other.0) {
            (Some(one), Some(two)) => Self(Some(one.min(two))),
            (one, two) => Self(one.or(two)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nested_call_gets_the_earlier_deadline() {
        let soon = Deadline::at(Moment(1));
        let late = Deadline::at(Moment(2));
        assert_eq!(soon.earlier(late), soon);
        assert_eq!(Deadline::never().earlier(late), late);
        assert_eq!(late.earlier(Deadline::never()), late);
    }
}
