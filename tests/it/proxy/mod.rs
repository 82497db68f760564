//! A TCP proxy that fails on command, between two peers.
//!
//! Faults can be set for each direction, before and while connections run, and take effect at
//! once. The proxy counts what it forwards. A test can therefore cut an exchange after an exact
//! number of bytes, at every possible place. Only the delay depends on time.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use socket2::SockRef;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

mod carry;
#[cfg(test)]
mod tests;

/// Which way bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    ToServer,
    ToClient,
}

/// Each way, the bytes that were forwarded.
pub(crate) type Passed = [u64; 2];

/// What goes wrong one way.
#[derive(Clone, Debug, Default)]
struct Faults {
    /// Cut when this many bytes have passed, over all connections. Used up by the cut.
    cut_at: Option<u64>,
    /// Change the byte at this place, over all connections. Used up by the change.
    flip_at: Option<u64>,
    delay: Duration,
    is_stalled: bool,
    is_sliced: bool,
    is_lost: bool,
    /// After this many bytes have passed, over all connections, lose everything that follows on
    /// the same connection. Used up by that.
    lose_at: Option<u64>,
    /// Lose packets that are larger than this, and everything that follows on the same connection,
    /// unless its client has asked for smaller packets.
    narrow: Option<usize>,
}

/// What the test wants.
#[derive(Clone, Debug)]
struct Orders {
    upstream: String,
    faults: [Faults; 2],
    by_reset: bool,
    /// The payload of a close frame that goes this way before a cut.
    close: Option<(Way, Vec<u8>)>,
    is_refusing: bool,
    /// How often all connections were cut.
    cuts: u64,
}

/// What has happened, for each connection in the order in which they came.
type Log = Vec<Passed>;

struct State {
    orders: watch::Sender<Orders>,
    log: watch::Sender<Log>,
}

/// The proxy. It stops, and its connections end, when it is dropped.
pub(crate) struct Proxy {
    address: SocketAddr,
    state: Arc<State>,
    listener: JoinHandle<()>,
}

impl Proxy {
    /// Starts a proxy in front of a server's address.
    pub(crate) async fn start(upstream: impl Into<String>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let upstream = upstream.into();
        let faults = [Faults::default(), Faults::default()];
        let orders = Orders { upstream, faults, by_reset: false, close: None, is_refusing: false, cuts: 0 };
        let (orders, log) = (watch::Sender::new(orders), watch::Sender::new(Log::new()));
        let state = Arc::new(State { orders, log });
        let listener = tokio::task::spawn_local(accept(listener, Arc::clone(&state)));
        Self { address, state, listener }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn url(&self) -> String {
        format!("ws://{}/scope", self.address)
    }

    /// Sends new connections to another server.
    pub(crate) fn forward_to(&self, upstream: impl Into<String>) {
        self.order(|orders| orders.upstream = upstream.into());
    }

    /// How many bytes have passed this way, over all connections.
    pub(crate) fn passed(&self, way: Way) -> u64 {
        self.state.passed(way)
    }

    /// How many bytes have passed, for each connection in the order in which they came.
    pub(crate) fn passed_by_connection(&self) -> Vec<Passed> {
        self.state.log.borrow().clone()
    }

    /// How many connections were made.
    pub(crate) fn connections(&self) -> usize {
        self.state.log.borrow().len()
    }

    /// Waits until this many bytes have passed this way, over all connections.
    pub(crate) async fn has_passed(&self, way: Way, bytes: u64) {
        let mut log = self.state.log.subscribe();
        // The sender lives as long as the proxy.
        log.wait_for(|log| total(log, way) >= bytes).await.unwrap();
    }

    /// Cuts the connection on which this byte is the last to pass this way, counted over all
    /// connections; 0 for never. If that many have passed already, all open connections are cut
    /// now.
    pub(crate) fn cut_at(&self, way: Way, bytes: u64) {
        self.fault(way, |faults| faults.cut_at = (bytes > 0).then_some(bytes));
    }

    /// Cuts all connections that there are.
    pub(crate) fn cut_now(&self) {
        self.order(|orders| orders.cuts += 1);
    }

    /// Whether a cut is a reset (RST), and not an orderly end (FIN). Bytes that passed before a
    /// reset may be lost with it.
    pub(crate) fn by_reset(&self, by_reset: bool) {
        self.order(|orders| orders.by_reset = by_reset);
    }

    /// Sends a close frame of the proxy's own this way before each cut, with this code or with
    /// none.
    pub(crate) fn close_with(&self, way: Way, code: Option<u16>) {
        let code = code.map_or(Vec::new(), |code| code.to_be_bytes().to_vec());
        self.order(|orders| orders.close = Some((way, code)));
    }

    /// Whether new connections are reset as soon as they come.
    pub(crate) fn refuse(&self, refuse: bool) {
        self.order(|orders| orders.is_refusing = refuse);
    }

    /// Whether nothing is forwarded, while connections stay open and bytes wait.
    pub(crate) fn stall(&self, stall: bool) {
        self.stall_way(Way::ToServer, stall);
        self.stall_way(Way::ToClient, stall);
    }

    /// The same for one way.
    pub(crate) fn stall_way(&self, way: Way, stall: bool) {
        self.fault(way, |faults| faults.is_stalled = stall);
    }

    /// Whether bytes that go this way are taken and thrown away, and the end of the connection
    /// with them.
    pub(crate) fn lose(&self, way: Way, lose: bool) {
        self.fault(way, |faults| faults.is_lost = lose);
    }

    /// After this many bytes have passed this way, counted over all connections, loses all that
    /// follows this way on the same connection.
    pub(crate) fn lose_from(&self, way: Way, place: u64) {
        self.fault(way, |faults| faults.lose_at = Some(place));
    }

    /// Loses what is larger than this at once, and all that comes after it on the same connection,
    /// like a path that drops large packets without notifying the sender. A connection whose
    /// packets are not larger gets through; both ends of it have learnt the limit when it was
    /// made.
    pub(crate) fn narrow(&self, limit: Option<usize>) {
        self.fault(Way::ToServer, |faults| faults.narrow = limit);
        self.fault(Way::ToClient, |faults| faults.narrow = limit);
    }

    /// Whether each byte is written alone.
    pub(crate) fn slice(&self, slice: bool) {
        self.slice_way(Way::ToServer, slice);
        self.slice_way(Way::ToClient, slice);
    }

    /// The same for one way.
    pub(crate) fn slice_way(&self, way: Way, slice: bool) {
        self.fault(way, |faults| faults.is_sliced = slice);
    }

    /// Delays what goes this way for this time.
    pub(crate) fn delay(&self, way: Way, delay: Duration) {
        self.fault(way, |faults| faults.delay = delay);
    }

    /// Changes the next byte after this many have passed this way, counted over all connections.
    pub(crate) fn flip_at(&self, way: Way, offset: u64) {
        self.fault(way, |faults| faults.flip_at = Some(offset));
    }

    fn fault(&self, way: Way, change: impl FnOnce(&mut Faults)) {
        self.order(|orders| change(&mut orders.faults[way as usize]));
    }

    fn order(&self, change: impl FnOnce(&mut Orders)) {
        self.state.orders.send_modify(change);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.listener.abort();
        self.cut_now();
    }
}

impl State {
    fn passed(&self, way: Way) -> u64 {
        total(&self.log.borrow(), way)
    }
}

fn total(log: &Log, way: Way) -> u64 {
    log.iter().map(|passed| passed[way as usize]).sum()
}

async fn accept(listener: TcpListener, state: Arc<State>) {
    while let Ok((client, _)) = listener.accept().await {
        if state.orders.borrow().is_refusing {
            reset(&client);
            continue;
        }
        let mut number = 0;
        state.log.send_modify(|log| {
            number = log.len();
            log.push([0; 2]);
        });
        // A cut counts from here on, and not from when the task first runs.
        let cuts = state.orders.borrow().cuts;
        tokio::task::spawn_local(carry::carry(client, number, cuts, Arc::clone(&state)));
    }
}

/// Has the connection end by a reset when it is dropped.
fn reset(stream: &TcpStream) {
    // The other side may have gone, and then the socket takes no settings.
    let _ = SockRef::from(stream).set_linger(Some(Duration::ZERO));
}
