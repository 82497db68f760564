//! The pages.

mod board;
mod connection;
mod console;
mod dom;
pub(crate) mod results;
mod search;

use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use dom::Dom;

/// Runs when a page is loaded.
///
/// # Errors
///
/// If the page is not one of ours.
#[wasm_bindgen(start)]
pub async fn start() -> Result<(), JsValue> {
    let dom = Dom::new()?;
    console::show_logs(&dom);
    match dom.page().as_deref() {
        Some("board") => board::start(dom).await,
        Some("search") => search::start(dom).await,
        other => Err(format!("there is no program for the page {other:?}").into()),
    }
}
