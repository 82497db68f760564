//! What the user sees of a word count: a bar for each worker while it runs, tables when it is
//! done.

use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::corpus::Corpus;
use super::count::{self, Counts};
use super::workers::Worker;
use crate::output::{self, mebibytes, thousands};

/// The text to count, and the workers: with their process ids, for users who want to kill one.
pub(super) fn beginning(corpus: &Corpus, workers: &[Worker]) -> String {
    let mut text = format!(
        "counting the words of {}: {} files, {:.1} MiB",
        corpus.name,
        thousands(corpus.files.len() as u64),
        mebibytes(corpus.bytes)
    );
    for worker in workers {
        text.push_str(&format!("\n{}  pid {}", worker.name, worker.process.pid()));
    }
    text
}

/// A bar for each worker, which shows its share of the text. Nothing is shown when standard error
/// is no terminal.
pub(super) struct Bars {
    all: MultiProgress,
    bars: Vec<ProgressBar>,
}

impl Bars {
    pub(super) fn new(workers: &[Worker], bytes: u64) -> Self {
        let all = MultiProgress::new();
        let style = ProgressStyle::with_template("{prefix} {bar:40} {bytes:>11} {bytes_per_sec:>13} {msg}");
        // The template is a constant; were it wrong, the bars would look otherwise and that is all.
        let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = |worker: &Worker| {
            let bar = ProgressBar::new(bytes).with_style(style.clone()).with_prefix(worker.name.clone());
            all.add(bar)
        };
        let bars = workers.iter().map(bar).collect();
        Self { all, bars }
    }

    /// What shows the progress of one piece.
    pub(super) fn piece(&self, worker: usize) -> Counting {
        Counting { bar: self.bars[worker].clone(), shown: 0 }
    }

    /// A worker has counted this many pieces.
    pub(super) fn advance(&self, worker: usize, pieces: u64) {
        self.bars[worker].set_message(format!("{pieces} pieces"));
    }

    /// A worker is lost.
    pub(super) fn abandon(&self, worker: usize) {
        self.bars[worker].abandon_with_message("lost");
    }

    /// Takes the bars away: the tables say it all.
    pub(super) fn clear(&self) {
        for bar in &self.bars {
            bar.finish_and_clear();
        }
        // It is harmless if the terminal cannot be cleared.
        let _ = self.all.clear();
    }
}

/// A piece that is being counted. If it is dropped before all of it was, its part of the bar is
/// taken back.
pub(super) struct Counting {
    bar: ProgressBar,
    shown: u64,
}

impl Counting {
    /// This many bytes of the piece are counted.
    pub(super) fn show(&mut self, bytes: u64) {
        self.bar.inc(bytes.saturating_sub(self.shown));
        self.shown = bytes;
    }

    /// All of its bytes are.
    pub(super) fn finish(mut self, bytes: u64) {
        self.show(bytes);
        self.shown = 0;
    }
}

impl Drop for Counting {
    fn drop(&mut self) {
        self.bar.dec(self.shown);
    }
}

/// How a word count ended.
pub(super) struct Outcome {
    pub(super) bytes: u64,
    pub(super) counts: Counts,
    pub(super) with_workers: Duration,
    pub(super) alone: Duration,
    pub(super) are_equal: bool,
    pub(super) top: usize,
}

/// The tables and the comparison.
pub(super) fn end(outcome: &Outcome, workers: &[Worker]) -> String {
    let mut words = output::table(&["word", ">times"]);
    for (word, times) in count::top(&outcome.counts, outcome.top) {
        words.add_row([word.to_owned(), thousands(times)]);
    }
    let mut peers = output::table(&["worker", ">pid", ">pieces", ">MiB", ">counting", "to the end?"]);
    for worker in workers {
        peers.add_row([
            worker.name.clone(),
            worker.process.pid().to_string(),
            thousands(worker.pieces),
            format!("{:.1}", mebibytes(worker.bytes)),
            format!("{:.2} s", worker.busy.as_secs_f64()),
            if worker.is_lost() {
                format!("lost; {} of its pieces were counted by others", worker.passed_on)
            } else {
                "yes".to_owned()
            },
        ]);
    }
    format!(
        "{words}\n{peers}\n{}\n{}\n{}",
        throughput("with workers ", outcome.bytes, outcome.with_workers),
        throughput("without peers", outcome.bytes, outcome.alone),
        verdict(outcome),
    )
}

fn throughput(how: &str, bytes: u64, time: Duration) -> String {
    let seconds = time.as_secs_f64();
    format!("{how}  {seconds:8.3} s  {:8.1} MiB/s", mebibytes(bytes) / seconds)
}

fn verdict(outcome: &Outcome) -> String {
    let total = thousands(outcome.counts.values().sum());
    let different = thousands(outcome.counts.len() as u64);
    let verdict = if outcome.are_equal { "equal" } else { "NOT EQUAL" };
    format!("the two counts are {verdict}: {total} words, {different} different ones")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(are_equal: bool) -> Outcome {
        Outcome {
            bytes: 3 << 20,
            counts: Counts::from([("peer".to_owned(), 1200), ("hop".to_owned(), 34)]),
            with_workers: Duration::from_millis(1500),
            alone: Duration::from_secs(2),
            are_equal,
            top: 1,
        }
    }

    #[test]
    fn the_report_shows_the_top_words_the_speed_and_that_the_counts_are_equal() {
        let text = end(&outcome(true), &[]);
        assert!(text.contains("│ peer ┆ 1,200 │") && !text.contains("hop"), "{text}");
        assert!(text.contains("with workers      1.500 s       2.0 MiB/s"), "{text}");
        assert!(text.ends_with("the two counts are equal: 1,234 words, 2 different ones"), "{text}");
    }

    #[test]
    fn counts_that_differ_are_told_loudly() {
        assert!(end(&outcome(false), &[]).contains("NOT EQUAL"));
    }
}
