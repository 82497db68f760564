//! The page: runs both functions between itself and the server, and writes what they return.

use distributed_scope::{Blocks, Peer, PeerId};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use web_sys::{Document, window};

use crate::seed::{demo, demo_lazy, show};

/// Runs when the page is loaded.
#[wasm_bindgen(start)]
pub async fn start() -> Result<(), JsValue> {
    let window = window().ok_or("this is no page")?;
    let document = window.document().ok_or("this page has no document")?;
    let url = format!("ws://{}/scope", window.location().host()?);
    match run(url, &document).await {
        Ok(()) => write(&document, "status", "done"),
        Err(error) => write(&document, "status", &error.to_string()),
    }
    Ok(())
}

async fn run(url: String, document: &Document) -> Result<(), Box<dyn std::error::Error>> {
    let page = Peer::builder(PeerId::random()).expose(Blocks::all()).start();
    let server = page.connect(url).await?;
    write(document, "status", "connected");
    let value = page.run(demo(server, page.id())).await?;
    write(document, "demo", &show(&value));
    let twice = page.run(demo_lazy(server, page.id())).await?;
    write(document, "lazy", &format!("{twice:?}"));
    Ok(())
}

fn write(document: &Document, id: &str, text: &str) {
    if let Some(element) = document.get_element_by_id(id) {
        element.set_text_content(Some(text));
    }
}
