//! A guarantee, and what was measured.

use std::fmt::Display;
use std::time::Duration;

use comfy_table::{Table, presets};
use hdrhistogram::Histogram;

/// One row of the summary.
#[derive(Debug)]
pub(crate) struct Promise {
    pub(crate) what: String,
    pub(crate) bound: String,
    pub(crate) measured: String,
    pub(crate) is_kept: bool,
}

impl Promise {
    /// Something of which a certain number is promised.
    pub(crate) fn exactly(what: impl Into<String>, promised: u64, measured: u64) -> Self {
        let is_kept = measured == promised;
        Self { what: what.into(), bound: promised.to_string(), measured: measured.to_string(), is_kept }
    }

    /// A figure with an upper limit.
    pub(crate) fn at_most<T: PartialOrd>(
        what: impl Into<String>,
        bound: T,
        measured: T,
        show: impl Fn(&T) -> String,
    ) -> Self {
        let is_kept = measured <= bound;
        Self { what: what.into(), bound: format!("≤ {}", show(&bound)), measured: show(&measured), is_kept }
    }

    /// A figure with a lower limit.
    pub(crate) fn at_least<T: PartialOrd>(
        what: impl Into<String>,
        bound: T,
        measured: T,
        show: impl Fn(&T) -> String,
    ) -> Self {
        let is_kept = measured >= bound;
        Self { what: what.into(), bound: format!("≥ {}", show(&bound)), measured: show(&measured), is_kept }
    }

    /// A figure without a bound, for the record.
    pub(crate) fn figure(what: impl Into<String>, measured: impl Display) -> Self {
        Self { what: what.into(), bound: String::new(), measured: measured.to_string(), is_kept: true }
    }

    pub(crate) fn with(mut self, note: impl Display) -> Self {
        self.measured = format!("{} ({note})", self.measured);
        self
    }
}

pub(crate) fn table(promises: &[Promise]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED);
    table.set_header(["", "what", "promised", "measured"]);
    for Promise { what, bound, measured, is_kept } in promises {
        let mark = match (is_kept, bound.is_empty()) {
            (true, true) => "",
            (true, false) => "kept",
            (false, _) => "BROKEN",
        };
        table.add_row([mark, what, bound, measured]);
    }
    table
}

/// Times of calls, exact to three digits, up to a minute.
#[derive(Debug)]
pub(crate) struct Times(Histogram<u64>);

impl Default for Times {
    fn default() -> Self {
        Self(Histogram::new_with_max(60_000_000_000, 3).expect("these are bounds that a histogram can have"))
    }
}

impl Times {
    pub(crate) fn record(&mut self, time: Duration) {
        self.0.saturating_record(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
    }

    /// The same of one of the calls that are made every `interval`: those that could not be made
    /// meanwhile count as well.
    pub(crate) fn record_paced(&mut self, time: Duration, interval: Duration) {
        let nanos = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX).min(self.0.high());
        let (time, interval) = (nanos(time), nanos(interval));
        self.0.record_correct(time, interval).expect("it is within the bounds");
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.0.add(&other.0).expect("all have the same bounds");
    }

    pub(crate) fn count(&self) -> u64 {
        self.0.len()
    }

    pub(crate) fn quantile(&self, quantile: f64) -> Duration {
        Duration::from_nanos(self.0.value_at_quantile(quantile))
    }

    pub(crate) fn median(&self) -> Duration {
        self.quantile(0.5)
    }

    pub(crate) fn p99(&self) -> Duration {
        self.quantile(0.99)
    }
}

/// The one in the middle.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// By how much the second of a sample's two numbers grows while the first grows by one: the line
/// of least squares.
pub(crate) fn slope(samples: &[(f64, f64)]) -> f64 {
    let count = samples.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| samples.iter().map(of).sum::<f64>() / count;
    let (x_mean, y_mean) = (mean(|sample| sample.0), mean(|sample| sample.1));
    let together: f64 = samples.iter().map(|(x, y)| (x - x_mean) * (y - y_mean)).sum();
    let spread: f64 = samples.iter().map(|(x, _)| (x - x_mean).powi(2)).sum();
    together / spread
}

pub(crate) fn ratio(value: &f64) -> String {
    format!("{value:.2} ×")
}

pub(crate) fn mebibytes(value: &f64) -> String {
    format!("{value:.1} MiB")
}

pub(crate) fn seconds(value: &f64) -> String {
    format!("{value:.2} s")
}

pub(crate) fn time(value: &Duration) -> String {
    match value.as_micros() {
        ..100 => format!("{:.1} µs", value.as_nanos() as f64 / 1e3),
        micros @ ..10_000 => format!("{micros} µs"),
        micros => format!("{:.1} ms", micros as f64 / 1e3),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slope_of_a_line_is_found_and_that_of_noise_around_a_level_is_small() {
        let line: Vec<_> = (0..10).map(|x| (f64::from(x), 2.0f64.mul_add(f64::from(x), 3.0))).collect();
        assert!((slope(&line) - 2.0).abs() < 1e-9);
        let level: Vec<_> = (0..1000).map(|x| (f64::from(x), f64::from(x % 2))).collect();
        assert!(slope(&level).abs() < 1e-3);
    }

    #[test]
    fn a_promise_holds_up_to_its_bound_and_no_further() {
        assert!(Promise::at_most("x", 5.0, 5.0, ratio).is_kept);
        assert!(!Promise::at_most("x", 5.0, 5.01, ratio).is_kept);
        assert!(!Promise::at_most("x", 5.0, f64::NAN, ratio).is_kept, "nothing was measured");
        assert!(Promise::at_least("x", 5.0, 5.0, ratio).is_kept);
        assert!(!Promise::at_least("x", 5.0, 4.99, ratio).is_kept);
        assert!(!Promise::at_least("x", 5.0, f64::NAN, ratio).is_kept, "nothing was measured");
        assert!(!Promise::exactly("x", 1000, 999).is_kept);
    }
}
