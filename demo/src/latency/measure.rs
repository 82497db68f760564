//! Takes the time of many calls.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::time::{Duration, Instant};

use distributed_scope::RemoteError;
use futures_util::future::try_join_all;
use hdrhistogram::Histogram;

/// What many calls of one kind took.
#[derive(Debug)]
pub(super) struct Figures {
    pub(super) in_flight: u64,
    /// In nanoseconds.
    pub(super) times: Histogram<u64>,
    pub(super) per_second: u64,
}

/// Makes `calls` calls, `in_flight` of them at any time, after a tenth as many to warm up. A call
/// gets a number, and must answer with it.
pub(super) async fn measure<F, C>(calls: u64, in_flight: u64, call: F) -> Result<Figures, RemoteError>
where
    F: Fn(u64) -> C,
    C: Future<Output = Result<u64, RemoteError>>,
{
    run(calls.div_ceil(10), in_flight, &call).await?;
    let started = Instant::now();
    let times = run(calls, in_flight, &call).await?;
    Ok(Figures::of(times, in_flight, started.elapsed()))
}

async fn run<F, C>(calls: u64, in_flight: u64, call: &F) -> Result<Histogram<u64>, RemoteError>
where
    F: Fn(u64) -> C,
    C: Future<Output = Result<u64, RemoteError>>,
{
    let next = Cell::new(0);
    let times = RefCell::new(nanoseconds());
    let one_after_the_other = || async {
        while next.get() < calls {
            let number = next.replace(next.get() + 1);
            let started = Instant::now();
            let answer = call(number).await?;
            let nanoseconds = started.elapsed().as_nanos();
            assert_eq!(answer, number, "a call got the answer of another");
            times.borrow_mut().saturating_record(u64::try_from(nanoseconds).unwrap_or(u64::MAX));
            // A call of a peer to itself never waits; without this, Ctrl-C would not be noticed
            // meanwhile.
            tokio::task::consume_budget().await;
        }
        Ok::<_, RemoteError>(())
    };
    try_join_all((0..in_flight).map(|_| one_after_the_other())).await?;
    Ok(times.into_inner())
}

/// For times up to a minute, exact to three digits.
fn nanoseconds() -> Histogram<u64> {
    Histogram::new_with_max(60_000_000_000, 3).expect("these are bounds that a histogram can have")
}

impl Figures {
    fn of(times: Histogram<u64>, in_flight: u64, elapsed: Duration) -> Self {
        let per_second = (times.len() as f64 / elapsed.as_secs_f64()).round() as u64;
        Self { in_flight, times, per_second }
    }

    pub(super) fn p50(&self) -> Duration {
        Duration::from_nanos(self.times.value_at_quantile(0.50))
    }

    pub(super) fn p99(&self) -> Duration {
        Duration::from_nanos(self.times.value_at_quantile(0.99))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_and_the_slowest_hundredth_are_told_apart() {
        let mut times = nanoseconds();
        times.record_n(1_000, 90).unwrap();
        times.record_n(50_000, 10).unwrap();
        let figures = Figures::of(times, 1, Duration::from_millis(10));
        assert_eq!(figures.p50().as_nanos() / 10, 100);
        assert!(figures.p99() >= Duration::from_micros(50));
        assert_eq!(figures.per_second, 10_000);
    }

    #[tokio::test]
    async fn every_number_is_called_once_by_as_many_at_a_time_as_asked() {
        let seen = RefCell::new(Vec::new());
        let (now, most) = (Cell::new(0), Cell::new(0));
        let call = |number| {
            let (seen, now, most) = (&seen, &now, &most);
            async move {
                now.set(now.get() + 1);
                most.set(most.get().max(now.get()));
                tokio::task::yield_now().await;
                now.set(now.get() - 1);
                seen.borrow_mut().push(number);
                Ok(number)
            }
        };
        assert_eq!(run(20, 4, &call).await.unwrap().len(), 20);
        seen.borrow_mut().sort_unstable();
        assert_eq!(*seen.borrow(), (0..20).collect::<Vec<u64>>());
        assert_eq!(most.get(), 4);
    }
}
