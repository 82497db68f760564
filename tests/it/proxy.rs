//! A TCP proxy that fails on command, between two peers.
//!
//! It counts what passes, so that a test can cut an exchange after exactly so many bytes, at every place there is.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

/// Which way bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    ToServer,
    ToClient,
}

/// The proxy. It stops when dropped.
pub(crate) struct Proxy {
    address: SocketAddr,
    state: Arc<State>,
    listener: actix_web::rt::task::JoinHandle<()>,
}

#[derive(Default)]
struct State {
    upstream: Mutex<String>,
    passed: [AtomicU64; 2],
    /// Cut when so many bytes in all have passed this way; 0 for never. Used up by the cut.
    cut_at: [AtomicU64; 2],
    /// End a cut connection by a reset, and not by an orderly end.
    reset: AtomicBool,
    /// Forward nothing, and say nothing.
    stall: [AtomicBool; 2],
    /// Forward each byte alone.
    slice: AtomicBool,
    /// End connections as soon as they come.
    refuse: AtomicBool,
    cut_now: Notify,
    changed: Notify,
    connections: AtomicU64,
}

impl Proxy {
    pub(crate) async fn start(upstream: String) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State { upstream: Mutex::new(upstream), ..State::default() });
        let shared = Arc::clone(&state);
        let listener = actix_web::rt::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if shared.refuse.load(Ordering::SeqCst) {
                    continue;
                }
                shared.connections.fetch_add(1, Ordering::SeqCst);
                actix_web::rt::spawn(carry(client, Arc::clone(&shared)));
            }
        });
        Self { address, state, listener }
    }

    pub(crate) fn url(&self) -> String {
        format!("ws://{}/scope", self.address)
    }

    /// Sends new connections to another server.
    pub(crate) fn forward_to(&self, upstream: String) {
        *self.state.upstream.lock() = upstream;
    }

    /// How many bytes have passed, over all connections.
    pub(crate) fn passed(&self, way: Way) -> u64 {
        self.state.passed[way as usize].load(Ordering::SeqCst)
    }

    /// How many connections were made.
    pub(crate) fn connections(&self) -> u64 {
        self.state.connections.load(Ordering::SeqCst)
    }

    /// Cuts the connection when so many bytes in all have passed this way.
    pub(crate) fn cut_at(&self, way: Way, bytes: u64) {
        self.state.cut_at[way as usize].store(bytes, Ordering::SeqCst);
    }

    /// Cuts all connections that there are.
    pub(crate) fn cut_now(&self) {
        self.state.cut_now.notify_waiters();
    }

    pub(crate) fn by_reset(&self, reset: bool) {
        self.state.reset.store(reset, Ordering::SeqCst);
    }

    pub(crate) fn stall(&self, stall: bool) {
        for way in [Way::ToServer, Way::ToClient] {
            self.stall_way(way, stall);
        }
    }

    pub(crate) fn stall_way(&self, way: Way, stall: bool) {
        self.state.stall[way as usize].store(stall, Ordering::SeqCst);
        self.state.changed.notify_waiters();
    }

    pub(crate) fn slice(&self, slice: bool) {
        self.state.slice.store(slice, Ordering::SeqCst);
    }

    pub(crate) fn refuse(&self, refuse: bool) {
        self.state.refuse.store(refuse, Ordering::SeqCst);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

async fn carry(client: TcpStream, state: Arc<State>) {
    let upstream = state.upstream.lock().clone();
    let Ok(server) = TcpStream::connect(upstream).await else { return };
    client.set_nodelay(true).unwrap();
    server.set_nodelay(true).unwrap();
    let sockets = [&client, &server].map(|stream| socket2::SockRef::from(stream).try_clone().unwrap());
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    tokio::select! {
        () = pass(from_client, to_server, Way::ToServer, &state) => {}
        () = pass(from_server, to_client, Way::ToClient, &state) => {}
        () = state.cut_now.notified() => {}
    }
    for socket in sockets {
        if state.reset.load(Ordering::SeqCst) {
            // The last handle of the socket is dropped with this on: the other side gets a reset.
            socket.set_linger(Some(std::time::Duration::ZERO)).unwrap();
        }
    }
}

/// Forwards one way until the connection ends or is to be cut.
async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, way: Way, state: &State) {
    let mut buffer = vec![0; 64 << 10];
    loop {
        let Ok(read @ 1..) = from.read(&mut buffer).await else { return };
        loop {
            let changed = state.changed.notified();
            if !state.stall[way as usize].load(Ordering::SeqCst) {
                break;
            }
            changed.await;
        }
        let before = state.passed[way as usize].load(Ordering::SeqCst);
        let cut_at = state.cut_at[way as usize].load(Ordering::SeqCst);
        let is_cut = cut_at > 0 && cut_at <= before + read as u64;
        let part = if is_cut { usize::try_from(cut_at.saturating_sub(before)).unwrap() } else { read };
        let step = if state.slice.load(Ordering::SeqCst) { 1 } else { part.max(1) };
        for bytes in buffer[..part].chunks(step) {
            if to.write_all(bytes).await.is_err() {
                return;
            }
        }
        state.passed[way as usize].fetch_add(part as u64, Ordering::SeqCst);
        if is_cut {
            state.cut_at[way as usize].store(0, Ordering::SeqCst);
            return;
        }
    }
}
