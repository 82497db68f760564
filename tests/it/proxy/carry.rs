//! One connection through the proxy.

use std::sync::Arc;

use futures_util::future::{self, Either};
use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::sync::watch;

use super::{Orders, State, Way, reset};

/// How one way of a connection ended.
#[derive(PartialEq)]
enum End {
    /// There is nothing more to send.
    Finished,
    /// One of the two sides has disconnected.
    Lost,
    /// The test wants it.
    Cut,
}

/// Carries a connection until both sides have finished it, one is lost, or all are cut more often
/// than they were when it came.
pub(super) async fn carry(mut client: TcpStream, number: usize, cuts: u64, state: Arc<State>) {
    let mut orders = state.orders.subscribe();
    let upstream = orders.borrow().upstream.clone();
    let Ok(mut server) = TcpStream::connect(upstream).await else {
        return reset(&client);
    };
    client.set_nodelay(true).unwrap();
    server.set_nodelay(true).unwrap();
    let packets = SockRef::from(&client).tcp_mss().map_or(usize::MAX, |size| size as usize);
    let end = {
        let (from_client, to_client) = client.split();
        let (from_server, to_server) = server.split();
        let pass = |way| Pass { way, number, state: &state, orders: orders.clone(), packets, is_lost: false };
        let (there, back) = (pass(Way::ToServer), pass(Way::ToClient));
        let there = Box::pin(there.pass(from_client, to_server));
        let back = Box::pin(back.pass(from_server, to_client));
        let both = async {
            match future::select(there, back).await {
                // The other direction continues when one is finished: connections may be half
                // closed.
                Either::Left((End::Finished, other)) | Either::Right((End::Finished, other)) => other.await,
                Either::Left((end, _)) | Either::Right((end, _)) => end,
            }
        };
        tokio::select! {
            biased;
            _ = orders.wait_for(|orders| orders.cuts > cuts) => End::Cut,
            end = both => end,
        }
    };
    if end == End::Lost || (end == End::Cut && orders.borrow().by_reset) {
        reset(&client);
        reset(&server);
    } else if end == End::Cut {
        let close = orders.borrow().close.clone();
        if let Some((way, payload)) = close {
            send_close(way, &payload, &mut client, &mut server).await;
        }
        finish(&mut client, &mut server).await;
    }
}

/// Sends a close frame for one side, like a gateway that gives up a connection.
async fn send_close(way: Way, payload: &[u8], client: &mut TcpStream, server: &mut TcpStream) {
    const CLOSE: u8 = 0x88;
    let length = u8::try_from(payload.len()).unwrap();
    // A side that has disconnected needs no close frame.
    let _ = match way {
        Way::ToClient => client.write_all(&[&[CLOSE, length], payload].concat()).await,
        // A mask of zeros leaves the payload as it is.
        Way::ToServer => server.write_all(&[&[CLOSE, 0x80 | length, 0, 0, 0, 0], payload].concat()).await,
    };
}

/// Ends both connections in order. What comes in after that is read and thrown away, since a
/// socket that is closed with bytes unread ends by a reset.
async fn finish(client: &mut TcpStream, server: &mut TcpStream) {
    async fn finish_one(stream: &mut TcpStream) {
        let _ = stream.shutdown().await;
        let _ = tokio::io::copy(stream, &mut tokio::io::sink()).await;
    }
    tokio::join!(finish_one(client), finish_one(server));
}

/// One way of one connection.
struct Pass<'s> {
    way: Way,
    number: usize,
    state: &'s State,
    orders: watch::Receiver<Orders>,
    /// How many bytes a packet has at most.
    packets: usize,
    /// Nothing more passes.
    is_lost: bool,
}

impl Pass<'_> {
    async fn pass(mut self, mut from: ReadHalf<'_>, mut to: WriteHalf<'_>) -> End {
        let mut buffer = vec![0; 64 << 10];
        loop {
            let read = tokio::select! {
                biased;
                () = self.is_cut() => return End::Cut,
                read = from.read(&mut buffer) => read,
            };
            let Ok(read) = read else { return End::Lost };
            if let Some(end) = self.forward(&mut buffer[..read], &mut to).await {
                return end;
            }
        }
    }

    /// Forwards what was read, or the end if that was nothing.
    async fn forward(&mut self, mut bytes: &mut [u8], to: &mut WriteHalf<'_>) -> Option<End> {
        let is_end = bytes.is_empty();
        let delay = self.orders.borrow().faults[self.way as usize].delay;
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        loop {
            let way = self.way as usize;
            // The orders may change while a part is written.
            let faults = {
                // When the proxy is gone, no more orders come.
                let Ok(orders) = self.orders.wait_for(|orders| !orders.faults[way].is_stalled).await else {
                    return Some(End::Cut);
                };
                orders.faults[way].clone()
            };
            self.is_lost |= faults.narrow.is_some_and(|limit| bytes.len().min(self.packets) > limit);
            if faults.is_lost || self.is_lost {
                return if is_end { Some(End::Finished) } else { None };
            }
            if is_end {
                return Some(if to.shutdown().await.is_ok() { End::Finished } else { End::Lost });
            }
            if bytes.is_empty() {
                return None;
            }
            let passed = self.state.passed(self.way);
            let until = |place: u64| usize::try_from(place.saturating_sub(passed)).unwrap_or(usize::MAX);
            let mut length = if faults.is_sliced { 1 } else { bytes.len() };
            if let Some(cut_at) = faults.cut_at {
                length = length.min(until(cut_at));
            }
            if let Some(lose_at) = faults.lose_at {
                if lose_at <= passed {
                    self.used_up(|faults| faults.lose_at = None);
                    self.is_lost = true;
                    continue;
                }
                length = length.min(until(lose_at));
            }
            if let Some(flip_at) = faults.flip_at.filter(|at| *at >= passed)
                && let Some(byte) = bytes[..length].get_mut(until(flip_at))
            {
                *byte ^= 0xFF;
                self.used_up(|faults| faults.flip_at = None);
            }
            let (part, rest) = bytes.split_at_mut(length);
            if to.write_all(part).await.is_err() {
                return Some(End::Lost);
            }
            self.state.log.send_modify(|log| log[self.number][way] += length as u64);
            if faults.cut_at.is_some_and(|cut_at| cut_at <= passed + length as u64) {
                self.used_up(|faults| faults.cut_at = None);
                return Some(End::Cut);
            }
            bytes = rest;
        }
    }

    /// Waits for an order to cut at a place that has passed already.
    async fn is_cut(&self) {
        let (way, passed) = (self.way, self.state.passed(self.way));
        let mut orders = self.orders.clone();
        let is_cut = |orders: &Orders| orders.faults[way as usize].cut_at.is_some_and(|at| at <= passed);
        if orders.wait_for(is_cut).await.is_err() {
            return;
        }
        self.used_up(|faults| faults.cut_at = None);
    }

    fn used_up(&self, change: impl FnOnce(&mut super::Faults)) {
        self.state.orders.send_modify(|orders| change(&mut orders.faults[self.way as usize]));
    }
}
