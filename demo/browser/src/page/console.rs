//! The program's logs, in the browser's console.

use tracing_subscriber::filter::LevelFilter;
use tracing_web::MakeWebConsoleWriter;
use web_sys::UrlSearchParams;

use super::dom::Dom;

/// Writes logs to the console from now on: warnings and errors, or with `?log=debug` in the page's
/// URL, all from that level on.
pub(super) fn show_logs(dom: &Dom) {
    let search = dom.window.location().search().unwrap_or_default();
    let wanted = UrlSearchParams::new_with_str(&search).ok().and_then(|parameters| parameters.get("log"));
    tracing_subscriber::fmt()
        .with_max_level(wanted.and_then(|level| level.parse().ok()).unwrap_or(LevelFilter::WARN))
        .with_ansi(false)
        // The console knows it, and this target has no clock.
        .without_time()
        .with_writer(MakeWebConsoleWriter::new())
        .init();
}
