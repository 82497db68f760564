//! The functions that the tests call in the page.

use std::cell::RefCell;
use std::time::Duration;

use distributed_scope::{Blocks, Limits, Peer, PeerId, from_blob, try_streamed};
use js_sys::{Array, Uint8Array};
use wasm_bindgen::prelude::wasm_bindgen;
use web_sys::Blob;

use crate::blocks;

thread_local! {
    static PEER: RefCell<Option<(Peer, PeerId)>> = const { RefCell::new(None) };
}

/// Calls and handshakes have this much time: a machine that runs several browsers at once may need
/// longer than the defaults.
const TIME_LIMIT: Duration = Duration::from_secs(120);

/// Starts a peer of this name and connects it; returns the id of the server. The silence timeout
/// may differ from the default, and the handshake timeout from [`TIME_LIMIT`].
#[wasm_bindgen]
pub async fn connect(
    name: String,
    url: String,
    silence_ms: Option<u32>,
    handshake_ms: Option<u32>,
) -> Result<String, String> {
    let defaults = Limits::default();
    let millis = |millis: u32| Duration::from_millis(millis.into());
    let silence = silence_ms.map_or(defaults.idle_timeout, millis);
    let handshake = handshake_ms.map_or(TIME_LIMIT, millis);
    let limits = defaults
        .with_idle_timeout(silence)
        .with_handshake_timeout(handshake)
        .with_default_deadline(TIME_LIMIT);
    let peer = Peer::builder(PeerId::named(&name)).limits(limits).expose(Blocks::all()).start();
    let server = peer.connect(url).await.map_err(|error| chain(&error))?;
    PEER.set(Some((peer, server)));
    Ok(server.to_string())
}

/// Runs a function by its name.
#[wasm_bindgen]
pub async fn run(function: String) -> Result<String, String> {
    let (peer, server) = PEER.with_borrow(Clone::clone).ok_or("`connect` comes first")?;
    let value = peer.run(blocks::run(&function, server, peer.id())).await;
    value.map_err(|error| chain(&error))
}

/// Uploads a blob of this many bytes: returns what the server says, and how much the memory of the
/// program has grown, in KiB.
#[wasm_bindgen]
pub async fn upload(size: String) -> Result<String, String> {
    let (peer, server) = PEER.with_borrow(Clone::clone).ok_or("`connect` comes first")?;
    let size: u64 = size.parse().map_err(|_| "no number")?;
    // In parts, so that the bytes are in the blob and not here.
    let parts = Array::new();
    for from in (0..size).step_by(1 << 20) {
        let bytes: Vec<u8> = (from..size.min(from + (1 << 20))).map(blocks::pattern).collect();
        parts.push(&Uint8Array::from(&bytes[..]));
    }
    let blob = Blob::new_with_u8_array_sequence(&parts).map_err(|error| format!("{error:?}"))?;
    drop(parts);
    let pages = core::arch::wasm32::memory_size::<0>();
    let stored = peer.run(async { blocks::upload(server, try_streamed(from_blob(&blob))).await }).await;
    let grown = 64 * (core::arch::wasm32::memory_size::<0>() - pages);
    let (stored, is_right) = stored.map_err(|error| chain(&error))?;
    let is_flat = if grown <= 4 << 10 { "flat".to_owned() } else { format!("{grown} KiB") };
    Ok(format!("{stored} bytes, right: {is_right}, memory: {is_flat}"))
}

/// Whether the server is connected.
#[wasm_bindgen]
pub fn is_connected() -> bool {
    PEER.with_borrow(|peer| peer.as_ref().is_some_and(|(peer, server)| peer.peers().contains(server)))
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}
