//! The times of all kinds of calls as lines of bars, one below the other.

use std::fmt::Write as _;

use super::Row;
use super::axis::Axis;

const COLUMNS: usize = 64;
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// One line of bars for each row, on one axis, and the axis.
pub(super) fn draw(rows: &[Row]) -> String {
    let axis = Axis::of(rows.iter().map(|row| &row.figures.times));
    let titles: Vec<String> = rows.iter().map(Row::title).collect();
    let width = titles.iter().map(|title| title.chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for (row, title) in rows.iter().zip(&titles) {
        let line = bars(&axis.counts(&row.figures.times, COLUMNS));
        // Writing to a string does not fail.
        let _ = writeln!(text, "{title:width$}  {}", line.trim_end());
    }
    let _ = write!(text, "{:width$}  {}", "", scale(axis));
    text
}

/// The tallest bar is the part with most calls; a part with any has one that can be seen.
fn bars(counts: &[u64]) -> String {
    let most = counts.iter().copied().max().unwrap_or(0).max(1);
    let bar = |count: &u64| match count {
        0 => ' ',
        count => {
            let height = (count * BARS.len() as u64).div_ceil(most).clamp(1, BARS.len() as u64);
            usize::try_from(height).ok().and_then(|height| BARS.get(height - 1)).copied().unwrap_or(' ')
        }
    };
    counts.iter().map(bar).collect()
}

/// The names of the powers of ten, each beginning under its place.
fn scale(axis: Axis) -> String {
    let mut line = String::new();
    for tick in axis.ticks() {
        let column = (tick.place * COLUMNS as f64) as usize;
        let used = line.chars().count();
        if column >= used {
            line.extend(std::iter::repeat_n(' ', column - used));
            line.push('╵');
            line.push_str(&tick.label);
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tallest_bar_is_full_and_the_smallest_can_be_seen() {
        assert_eq!(bars(&[0, 1, 500, 1000]), " ▁▄█");
        assert_eq!(bars(&[0, 0]), "  ");
    }
}
