//! The clock of the page: the only place where the moments of the core meet real time.

use std::time::Duration;

use distributed_scope_core::Moment;
use js_sys::{Date, Reflect, global};
use wasm_bindgen::JsCast;
use web_sys::Performance;

thread_local! {
    /// The `performance` object of a page or of a worker.
    static PERFORMANCE: Option<Performance> =
        Reflect::get(&global(), &"performance".into()).ok().and_then(|value| value.dyn_into().ok());
}

/// The time since the page was opened. It does not jump when the wall clock is set.
pub(crate) fn now() -> Moment {
    // If there is no such clock, the wall clock is used.
    let millis = PERFORMANCE.with(|clock| clock.as_ref().map_or_else(Date::now, Performance::now));
    Moment::after_origin(Duration::try_from_secs_f64(millis / 1000.0).unwrap_or_default())
}

/// The wall-clock time. Some browsers stop the monotonic clock while the machine sleeps.
pub(crate) fn wall() -> Duration {
    Duration::try_from_secs_f64(Date::now() / 1000.0).unwrap_or_default()
}
