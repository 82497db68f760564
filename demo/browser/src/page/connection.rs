//! Connects the page, and shows whether it is connected.

use std::time::Duration;

use distributed_scope::{Builder, ConnectError, Peer, PeerId};
use gloo_timers::future::sleep;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::spawn_local;
use web_sys::HtmlElement;

use super::dom::Dom;
use crate::words::Words;

/// How long to wait before another attempt, when the first one did not reach the server.
const AGAIN: Duration = Duration::from_secs(1);

/// Starts this page's peer and connects it to the server. From then on the page shows whether it
/// is connected.
pub(super) async fn connect(dom: &Dom, builder: Builder) -> Result<(Peer, PeerId), JsValue> {
    let status: HtmlElement = dom.element("connection")?;
    let page = builder.start();
    let server = loop {
        match page.connect(dom.scope()?).await {
            Ok(server) => break server,
            Err(
                error @ (ConnectError::Url { .. }
                | ConnectError::Refused { .. }
                | ConnectError::Outdated { .. }),
            ) => {
                say(&status, "broken", "not connected");
                dom.tell(&status, &Words::of_connection(&error))?;
                return Err(error.to_string().into());
            }
            Err(_) => say(&status, "reconnecting", "the server does not answer; trying again…"),
        }
        sleep(AGAIN).await;
    };
    spawn_local({
        let page = page.clone();
        async move {
            loop {
                say(&status, "connected", "connected");
                page.disconnected(server).await;
                say(&status, "reconnecting", "reconnecting…");
                page.connected(server).await;
            }
        }
    });
    Ok((page, server))
}

fn say(status: &HtmlElement, state: &str, text: &str) {
    // Setting an attribute of ours cannot fail.
    let _ = status.set_attribute("data-state", state);
    status.set_text_content(Some(text));
}
