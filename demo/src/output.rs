//! Output for users: lines, tables and numbers.

use std::fmt::Display;
use std::io::{self, Write};
use std::time::Duration;

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};

/// Prints a line, at once: another process may be waiting for it. Unlike `println!`, it does not
/// panic when the reader has closed the output.
pub(crate) fn say(text: impl Display) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{text}")?;
    stdout.flush()
}

/// Tells what went wrong, where errors belong.
#[expect(clippy::print_stderr, reason = "the one place that does, at the end of the program")]
pub(crate) fn complain(text: &str) {
    eprintln!("{text}");
}

/// An error as people read it: itself, then each of its causes on a line of its own.
pub(crate) fn error_with_causes(error: &anyhow::Error) -> String {
    let mut text = format!("error: {error}");
    for cause in error.chain().skip(1) {
        text.push_str(&format!("\n  because: {cause}"));
    }
    text
}

/// A table with these columns. Those whose names begin with `>` hold numbers and are aligned to
/// the right.
pub(crate) fn table(columns: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED);
    table.set_header(columns.iter().map(|name| name.trim_start_matches('>')));
    for (column, name) in table.column_iter_mut().zip(columns) {
        if name.starts_with('>') {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

/// A table with cells that are sentences: they go over several lines.
pub(crate) fn wrapped(mut table: Table) -> Table {
    table.set_content_arrangement(ContentArrangement::Dynamic).set_width(118);
    table
}

/// `1234567` as `1,234,567`.
pub(crate) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Bytes as mebibytes.
pub(crate) fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

/// A duration in whole microseconds.
pub(crate) fn microseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_set_apart() {
        assert_eq!(thousands(0), "0");
        assert_eq!(thousands(999), "999");
        assert_eq!(thousands(1_000), "1,000");
        assert_eq!(thousands(1_234_567), "1,234,567");
    }

    #[test]
    fn an_error_is_shown_with_each_of_its_causes() {
        let error = anyhow::anyhow!("port in use").context("cannot listen").context("no server");
        assert_eq!(
            error_with_causes(&error),
            "error: no server\n  because: cannot listen\n  because: port in use"
        );
    }
}
