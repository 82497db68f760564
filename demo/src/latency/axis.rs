//! Times on a logarithmic axis, which the drawings share.

use hdrhistogram::Histogram;

/// The part of each kind of call that may be beyond the right end.
const BEYOND: f64 = 0.001;

/// From one time to another, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Axis {
    from: f64,
    to: f64,
}

/// A place on an axis that has a name.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tick {
    /// From 0 at the left end to 1 at the right one.
    pub(super) place: f64,
    pub(super) label: String,
}

impl Axis {
    /// An axis on which all but the slowest thousandth of each kind of call has its place.
    pub(super) fn of<'h>(all: impl IntoIterator<Item = &'h Histogram<u64>>) -> Self {
        let ends = all.into_iter().map(|times| (times.min(), times.value_at_quantile(1.0 - BEYOND)));
        let (from, to) = ends.fold((u64::MAX, 1), |(from, to), (min, max)| (from.min(min), to.max(max)));
        // At least one power of ten, so that times that are all alike have room.
        let from = from.clamp(1, to) as f64;
        Self { from, to: (to as f64).max(from * 10.0) }
    }

    /// From 0 to 1; what is beyond an end is at the end.
    pub(super) fn place(self, nanoseconds: u64) -> f64 {
        let share = (nanoseconds.max(1) as f64 / self.from).log(self.to / self.from);
        share.clamp(0.0, 1.0)
    }

    /// How many times fall into each of this many equal parts of the axis.
    pub(super) fn counts(self, times: &Histogram<u64>, parts: usize) -> Vec<u64> {
        let mut counts = vec![0; parts];
        for step in times.iter_recorded() {
            let part = (self.place(step.value_iterated_to()) * parts as f64) as usize;
            if let Some(count) = counts.get_mut(part.min(parts - 1)) {
                *count += step.count_at_value();
            }
        }
        counts
    }

    /// The powers of ten on it.
    pub(super) fn ticks(self) -> Vec<Tick> {
        let powers = (0..=10).map(|power| 10u64.pow(power));
        let inside = powers.filter(|power| (self.from..=self.to).contains(&(*power as f64)));
        inside.map(|power| Tick { place: self.place(power), label: label(power) }).collect()
    }
}

/// A time in its largest whole unit.
pub(super) fn label(nanoseconds: u64) -> String {
    match nanoseconds {
        0..1_000 => format!("{nanoseconds} ns"),
        1_000..1_000_000 => format!("{} µs", nanoseconds / 1_000),
        1_000_000..1_000_000_000 => format!("{} ms", nanoseconds / 1_000_000),
        _ => format!("{} s", nanoseconds / 1_000_000_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(values: &[u64]) -> Histogram<u64> {
        let mut times = Histogram::new_with_max(60_000_000_000, 3).unwrap();
        values.iter().for_each(|value| times.record(*value).unwrap());
        times
    }

    #[test]
    fn equal_factors_are_equal_distances() {
        let times = times(&[1_000, 100_000]);
        let axis = Axis::of([&times]);
        assert!(axis.place(1_000).abs() < 0.01);
        assert!((axis.place(10_000) - 0.5).abs() < 0.01);
        assert!((axis.place(100_000) - 1.0).abs() < 0.01);
        assert_eq!(axis.place(0), 0.0);
        assert_eq!(axis.place(u64::MAX), 1.0);
    }

    #[test]
    fn every_time_is_counted_once_wherever_it_lies() {
        let times = times(&[1, 1_000, 1_000, 50_000, 59_000_000_000]);
        let axis = Axis { from: 100.0, to: 1e6 };
        let counts = axis.counts(&times, 8);
        assert_eq!(counts.iter().sum::<u64>(), 5);
        assert_eq!((counts[0], counts[2], counts[7]), (1, 2, 1));
    }

    #[test]
    fn ticks_are_powers_of_ten_with_their_units() {
        let axis = Axis { from: 900.0, to: 2e6 };
        let labels: Vec<_> = axis.ticks().into_iter().map(|tick| tick.label).collect();
        assert_eq!(labels, ["1 µs", "10 µs", "100 µs", "1 ms"]);
    }

    #[test]
    fn times_that_are_all_alike_have_an_axis() {
        let axis = Axis::of([&times(&[7, 7])]);
        assert!(axis.to >= axis.from * 10.0);
    }
}
