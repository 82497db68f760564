//! Expiry of credentials by the wall clock, which may jump.

use std::time::{Duration, SystemTime};

/// The maximum delay until a jump of the wall clock is noticed. The monotonic clock of a
/// suspended machine does not advance.
const LOOK_EVERY: Duration = Duration::from_secs(4);

/// Completes at this moment, or soon after the wall clock has jumped beyond it. A moment in the
/// past completes at once.
pub(super) async fn until(expires: SystemTime) {
    until_by(expires, SystemTime::now).await;
}

async fn until_by(expires: SystemTime, now: impl Fn() -> SystemTime) {
    while let Ok(left) = expires.duration_since(now())
        && !left.is_zero()
    {
        tokio::time::sleep(left.min(LOOK_EVERY)).await;
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use tokio::time::Instant;

    use super::*;

    /// The time until expiry by the monotonic clock, which does not jump, for a credential with a
    /// lifetime of an hour.
    async fn taken(jump_after: Duration, jump: Duration) -> Duration {
        tokio::time::pause();
        let (begun, wall) = (Instant::now(), SystemTime::now());
        let looks = Cell::new(0);
        let now = || {
            looks.set(looks.get() + 1);
            let elapsed = begun.elapsed();
            wall + elapsed + if elapsed > jump_after { jump } else { Duration::ZERO }
        };
        until_by(wall + Duration::from_secs(3600), now).await;
        assert!(looks.get() < 1000, "{looks:?}");
        begun.elapsed()
    }

    #[tokio::test]
    async fn jump_of_wall_clock_is_noticed() {
        let early = taken(Duration::from_secs(100), Duration::from_secs(7200)).await;
        assert!((100..106).contains(&early.as_secs()), "{early:?}");
    }

    #[tokio::test]
    async fn without_jump_it_ends_in_time() {
        let whole = taken(Duration::from_secs(100), Duration::ZERO).await;
        assert!((3600..3601).contains(&whole.as_secs()), "{whole:?}");
    }

    #[tokio::test]
    async fn past_is_over_at_once() {
        until(SystemTime::UNIX_EPOCH).await;
    }
}
