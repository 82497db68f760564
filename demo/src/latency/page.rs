//! The same as a self-contained page with plots.

use std::fmt::Write as _;

use super::Row;
use super::axis::Axis;
use crate::output::thousands;

const WIDTH: f64 = 720.0;
/// Room for the names of the rows, and for the figures at their right.
const LEFT: f64 = 190.0;
const RIGHT: f64 = 150.0;
const ROW: f64 = 64.0;
const BARS: usize = 120;

/// The colours of both schemes are in one place; everything that is drawn takes its colour from
/// here.
const STYLE: &str = "
:root { color-scheme: light dark; --page: #fcfcfb; --text: #1b1b19; --quiet: #6b6a64; --line: #e3e2dc; --bar: #2f6fb5; --mark: #b4471f; }
@media (prefers-color-scheme: dark) {
  :root { --page: #161614; --text: #ecebe5; --quiet: #9d9b92; --line: #34332e; --bar: #6aa7e8; --mark: #f0915f; }
}
body { margin: 0 auto; max-width: 760px; padding: 2rem 1rem; background: var(--page); color: var(--text); font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; margin: 0 0 .25rem; } h2 { font-size: 1.1rem; margin: 2rem 0 .25rem; }
p { margin: 0 0 1rem; color: var(--quiet); }
svg { width: 100%; height: auto; display: block; overflow: visible; }
text { fill: var(--text); font: 13px system-ui, sans-serif; } .quiet { fill: var(--quiet); }
.grid { stroke: var(--line); } .bar { fill: var(--bar); } .mark { stroke: var(--mark); stroke-width: 1.5; }
.figure { font-variant-numeric: tabular-nums; text-anchor: end; }
";

/// A whole page.
pub(super) fn page(rows: &[Row], calls: u64) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>demo latency</title>\n<style>{STYLE}</style>\n\
         <h1>What a call costs</h1>\n\
         <p>Between two processes on one machine, {} calls of each kind. Left is faster; each step of the axis is ten times as long. The lines mark the median and the slowest hundredth.</p>\n\
         <h2>How long calls took</h2>\n{}\n\
         <h2>Calls in a second</h2>\n{}\n</html>\n",
        thousands(calls),
        times(rows),
        rates(rows),
    )
}

/// A histogram for each row, on one axis, with its median and its slowest hundredth marked.
fn times(rows: &[Row]) -> String {
    let axis = Axis::of(rows.iter().map(|row| &row.figures.times));
    let plot = WIDTH - LEFT - RIGHT;
    let height = ROW * rows.len() as f64;
    let x = |place: f64| place.mul_add(plot, LEFT);
    let mut svg = open(height + 24.0, "A histogram of the times of each kind of call");
    for tick in axis.ticks() {
        let x = x(tick.place);
        // Writing to a string does not fail.
        let _ = writeln!(
            svg,
            "<line class=\"grid\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"0\" y2=\"{height}\"/>\
             <text class=\"quiet\" x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
            height + 18.0,
            tick.label,
        );
    }
    for (index, row) in rows.iter().enumerate() {
        let bottom = ROW * (index + 1) as f64;
        let counts = axis.counts(&row.figures.times, BARS);
        let most = counts.iter().copied().max().unwrap_or(0).max(1) as f64;
        let _ = writeln!(
            svg,
            "<text x=\"0\" y=\"{:.1}\">{}</text><line class=\"grid\" x1=\"{LEFT}\" x2=\"{:.1}\" y1=\"{bottom}\" y2=\"{bottom}\"/>",
            bottom - 6.0,
            escaped(&row.title()),
            LEFT + plot,
        );
        let width = plot / BARS as f64;
        for (part, count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
            let tall = (*count as f64 / most * (ROW - 14.0)).max(1.0);
            let _ = write!(
                svg,
                "<rect class=\"bar\" x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{tall:.1}\"/>",
                (part as f64).mul_add(width, LEFT),
                bottom - tall,
                width - 0.5,
            );
        }
        let (p50, p99) = (row.figures.p50(), row.figures.p99());
        for quantile in [p50, p99] {
            let x = x(axis.place(u64::try_from(quantile.as_nanos()).unwrap_or(u64::MAX)));
            let _ = write!(
                svg,
                "<line class=\"mark\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{:.1}\" y2=\"{bottom}\"/>",
                bottom - ROW + 12.0,
            );
        }
        let _ = writeln!(
            svg,
            "<text class=\"figure\" x=\"{WIDTH}\" y=\"{:.1}\">p50 {:.1} µs</text>\
             <text class=\"figure quiet\" x=\"{WIDTH}\" y=\"{:.1}\">p99 {:.1} µs</text>",
            bottom - 24.0,
            p50.as_secs_f64() * 1e6,
            bottom - 6.0,
            p99.as_secs_f64() * 1e6,
        );
    }
    svg.push_str("</svg>");
    svg
}

fn rates(rows: &[Row]) -> String {
    const BAR: f64 = 30.0;
    let plot = WIDTH - LEFT - RIGHT;
    let most = rows.iter().map(|row| row.figures.per_second).max().unwrap_or(0).max(1) as f64;
    let mut svg = open(BAR * rows.len() as f64, "How many calls of each kind fit into a second");
    for (index, row) in rows.iter().enumerate() {
        let top = BAR * index as f64;
        let long = row.figures.per_second as f64 / most * plot;
        // Writing to a string does not fail.
        let _ = writeln!(
            svg,
            "<text x=\"0\" y=\"{0:.1}\">{1}</text>\
             <rect class=\"bar\" x=\"{LEFT}\" y=\"{2:.1}\" width=\"{long:.1}\" height=\"{3:.1}\"/>\
             <text class=\"figure\" x=\"{WIDTH}\" y=\"{0:.1}\">{4}</text>",
            top + 20.0,
            escaped(&row.title()),
            top + 6.0,
            BAR - 12.0,
            thousands(row.figures.per_second),
        );
    }
    svg.push_str("</svg>");
    svg
}

fn open(height: f64, what: &str) -> String {
    format!("<svg viewBox=\"0 0 {WIDTH} {height:.0}\" role=\"img\" aria-label=\"{what}\">\n")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
