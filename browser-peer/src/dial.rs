//! Connecting.

use std::pin::pin;
use std::sync::Arc;

use distributed_scope_core::peer::{ConnectError, Platform};
use futures_channel::oneshot;
use futures_util::future::{Either, select};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::spawn_local;

use crate::carry::carry;
use crate::clock;
use crate::platform::{Connection, Link, Shared};
use crate::socket::{Event, Socket};

/// Connects, to go on with `old` if that is possible, and returns when the session is open.
pub(crate) async fn dial(
    shared: Arc<Shared>,
    url: String,
    old: Option<Arc<Link>>,
) -> Result<Arc<Link>, ConnectError> {
    let late = shared.platform().sleep_until(clock::now() + shared.limits().handshake);
    let session = async {
        let socket = open(&url, shared.limits().queue).await?;
        tracing::debug!(peer = %shared.id(), %url, "connected");
        let (opened, is_open) = oneshot::channel();
        let connection = Connection::dialled(Arc::clone(&shared), old, opened);
        spawn_local(carry(connection, socket));
        match is_open.await {
            Ok(Ok(link)) => Ok(link),
            Ok(Err(source)) => Err(ConnectError::Refused { url: url.clone(), source }),
            Err(oneshot::Canceled) => Err(ConnectError::Closed { url: url.clone() }),
        }
    };
    match select(pin!(session), late).await {
        Either::Left((result, _)) => result,
        Either::Right(_) => Err(ConnectError::TimedOut { url: url.clone() }),
    }
}

async fn open(url: &str, limit: usize) -> Result<Socket, ConnectError> {
    let wrong = |reason: String| ConnectError::Url { url: url.to_owned(), reason };
    // A page may write a URL relative to its own, which would become a WebSocket URL in new browsers only.
    if !url.starts_with("ws://") && !url.starts_with("wss://") {
        return Err(wrong("it does not begin with `ws://` or `wss://`".to_owned()));
    }
    let socket = Socket::connect(url, limit).map_err(|error| wrong(text(&error)))?;
    match socket.next().await {
        Event::Open => Ok(socket),
        _ => Err(ConnectError::Unreachable {
            url: url.to_owned(),
            source: "the browser's console says why".into(),
        }),
    }
}

/// What a JavaScript error says.
fn text(error: &JsValue) -> String {
    let message = error.dyn_ref::<js_sys::Error>().map(|error| String::from(error.message()));
    // A `DOMException` is no `Error` for `instanceof` of old browsers, and has a message all the same.
    message.or_else(|| js_sys::Reflect::get(error, &"message".into()).ok()?.as_string()).unwrap_or_default()
}
