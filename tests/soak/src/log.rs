//! Counts the warnings of this process by their text.

use std::fmt::{self, Write};
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry;
use tracing_subscriber::util::SubscriberInitExt;

/// All warnings and errors of this process since [`Warnings::keep`] was first called.
#[derive(Clone, Debug, Default)]
pub(crate) struct Warnings(Arc<Mutex<Vec<String>>>);

impl Warnings {
    /// Keeps what is logged at `warn` or `error` from now on.
    pub(crate) fn keep() -> Self {
        static KEPT: OnceLock<Warnings> = OnceLock::new();
        KEPT.get_or_init(|| {
            let warnings = Self::default();
            // The only subscriber of this program.
            let _ = registry().with(warnings.clone()).try_init();
            warnings
        })
        .clone()
    }

    /// Forgets what was logged until now.
    pub(crate) fn clear(&self) {
        self.0.lock().clear();
    }

    /// The warnings that contain this text.
    pub(crate) fn with(&self, text: &str) -> Vec<String> {
        self.0.lock().iter().filter(|line| line.contains(text)).cloned().collect()
    }
}

impl<S: Subscriber> Layer<S> for Warnings {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if *event.metadata().level() <= Level::WARN {
            let mut line = Line::default();
            event.record(&mut line);
            self.0.lock().push(line.0);
        }
    }

    fn max_level_hint(&self) -> Option<tracing::level_filters::LevelFilter> {
        Some(tracing::level_filters::LevelFilter::WARN)
    }
}

#[derive(Default)]
struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // A string can always be written to.
        let _ = write!(self.0, "{field}={value:?} ");
    }
}
