//! The current activity of a part: an animated line on a terminal, and otherwise a line now and
//! then.

use std::cell::Cell;
use std::fmt::Display;
use std::io::{self, IsTerminal};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::complain;

/// How often a log gets a line.
const PAUSE: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub(crate) struct Progress {
    name: String,
    /// `None` if the output is not a terminal.
    bar: Option<ProgressBar>,
    logged: Cell<Option<Instant>>,
}

impl Progress {
    pub(crate) fn new(name: &str) -> Self {
        let bar = io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("{spinner} {prefix}  {elapsed}  {wide_msg}")
                .unwrap_or_else(|_| ProgressStyle::default_spinner());
            let bar = ProgressBar::new_spinner().with_style(style).with_prefix(name.to_owned());
            bar.enable_steady_tick(Duration::from_millis(200));
            bar
        });
        Self { name: name.to_owned(), bar, logged: Cell::new(None) }
    }

    pub(crate) fn says(&self, what: impl Display) {
        match &self.bar {
            Some(bar) => bar.set_message(what.to_string()),
            None if self.logged.get().is_none_or(|logged| logged.elapsed() >= PAUSE) => {
                self.logged.set(Some(Instant::now()));
                complain(format_args!("{}: {what}", self.name));
            }
            None => {}
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
