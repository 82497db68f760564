//! Notifies when a page should check its connections: it becomes visible, is shown again, or is
//! online again.
//!
//! A worker only learns that it is online again.

use std::task::{Context, Poll};

use futures_channel::mpsc;
use futures_util::StreamExt;
use gloo_events::EventListener;
use wasm_bindgen::JsCast;
use web_sys::{Document, EventTarget, VisibilityState};

pub(crate) struct WakeUp {
    comes: mpsc::UnboundedReceiver<()>,
    /// Removed when they are dropped, before the receiver, which therefore exists.
    _listeners: Vec<EventListener>,
}

impl WakeUp {
    pub(crate) fn listen() -> Self {
        let (wake, comes) = mpsc::unbounded();
        let mut listeners = Vec::new();
        let document = document();
        if let Ok(global) = js_sys::global().dyn_into::<EventTarget>() {
            for event in ["online", "pageshow"] {
                let wake = wake.clone();
                listeners.push(EventListener::new(&global, event, move |_| drop(wake.unbounded_send(()))));
            }
        }
        if let Some(document) = document {
            listeners.push(EventListener::new(&document, "visibilitychange", move |_| {
                if !is_hidden() {
                    let _ = wake.unbounded_send(());
                }
            }));
        }
        Self { comes, _listeners: listeners }
    }

    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.comes.poll_next_unpin(cx).map(drop)
    }

    /// Waits for such an event.
    pub(crate) async fn next(&mut self) {
        self.comes.next().await;
    }
}

fn document() -> Option<Document> {
    web_sys::window()?.document()
}

/// Whether the page is hidden, so that its timers may be late. A worker cannot know this.
pub(crate) fn is_hidden() -> bool {
    document().is_some_and(|document| document.visibility_state() != VisibilityState::Visible)
}
