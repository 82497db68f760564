//! The page's clock: the one place where the core's moments meet real time.

use std::time::Duration;

use distributed_scope_core::Moment;
use js_sys::{Date, Reflect, global};
use wasm_bindgen::JsCast;
use web_sys::Performance;

thread_local! {
    /// A page's or a worker's own.
    static PERFORMANCE: Option<Performance> =
        Reflect::get(&global(), &"performance".into()).ok().and_then(|value| value.dyn_into().ok());
}

/// The time since the page was opened. It does not jump when the wall clock is set.
pub(crate) fn now() -> Moment {
    // Where there is no such clock, the wall clock will do.
    let millis = PERFORMANCE.with(|clock| clock.as_ref().map_or_else(Date::now, Performance::now));
    Moment::after_origin(Duration::try_from_secs_f64(millis / 1000.0).unwrap_or_default())
}

/// The time by the wall clock. Some browsers stop the other one while the machine sleeps.
pub(crate) fn wall() -> Duration {
    Duration::try_from_secs_f64(Date::now() / 1000.0).unwrap_or_default()
}
