//! A connection in memory. Messages arrive in order, after the delay of the network, and wait
//! while their peers are partitioned, as TCP repeats what is lost.

use std::collections::VecDeque;
use std::pin::pin;
use std::sync::Arc;

use bytes::Bytes;
use distributed_scope_core::peer::{Arrival, Goodbye, Messages};
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use crate::weather::{Fate, Number, Weather};

/// A connection between two peers: both directions.
pub(crate) struct Pipe {
    weather: Arc<Weather>,
    /// The dialler first.
    peers: [Number; 2],
    /// What each of them receives.
    ways: [Way; 2],
}

#[derive(Default)]
struct Way {
    state: Mutex<Arrivals>,
    /// Notified when something new is on its way.
    has_news: Notify,
}

#[derive(Default)]
struct Arrivals {
    /// What is on its way, with the moment of its arrival, in order.
    coming: VecDeque<(Instant, Arrival)>,
    /// When the last of these arrives.
    last: Option<Instant>,
    /// The end of the connection is on its way or has arrived; nothing comes after it.
    is_over: bool,
    /// The end of the connection arrives although the peers are partitioned.
    is_reset: bool,
}

/// One end of a connection. Dropping it closes the connection.
pub(crate) struct End {
    pipe: Arc<Pipe>,
    /// 0 for the dialler.
    side: usize,
}

impl Pipe {
    /// The two ends of a new connection, that of the dialler first.
    pub(crate) fn open(weather: &Arc<Weather>, from: Number, to: Number) -> (Arc<Self>, [End; 2]) {
        let (weather, peers) = (Arc::clone(weather), [from, to]);
        let pipe = Arc::new(Self { weather, peers, ways: Default::default() });
        let ends = [0, 1].map(|side| End { pipe: Arc::clone(&pipe), side });
        (pipe, ends)
    }

    pub(crate) fn joins(&self, peer: Number) -> bool {
        self.peers.contains(&peer)
    }

    /// Cuts the connection. What is on its way is lost, and both sides notice the end.
    pub(crate) fn cut(&self) {
        (0..2).for_each(|side| self.reset(side));
    }

    /// One of the peers is killed: it sends and receives nothing more. The other side receives what
    /// is on its way, and then the end.
    pub(crate) fn silence(&self, peer: Number) {
        for side in 0..2 {
            if self.peers[side] == peer {
                self.reset(side);
            } else {
                self.deliver(side, Arrival::Lost);
            }
        }
    }

    fn reset(&self, side: usize) {
        let way = &self.ways[side];
        let mut state = way.state.lock();
        state.coming.clear();
        state.coming.push_back((Instant::now(), Arrival::Lost));
        (state.is_over, state.is_reset) = (true, true);
        drop(state);
        way.has_news.notify_one();
    }

    /// Sends this side something, which arrives after what was sent before.
    fn deliver(&self, side: usize, arrival: Arrival) {
        let way = &self.ways[side];
        let mut state = way.state.lock();
        if state.is_over {
            return;
        }
        let due = Instant::now() + self.weather.delay();
        let due = state.last.map_or(due, |last| last.max(due));
        state.last = Some(due);
        state.is_over = !matches!(arrival, Arrival::Message(_));
        state.coming.push_back((due, arrival));
        drop(state);
        way.has_news.notify_one();
    }

    fn is_partitioned(&self) -> bool {
        self.weather.is_partitioned(self.peers[0], self.peers[1])
    }
}

impl Messages for End {
    async fn next(&self) -> Arrival {
        let way = &self.pipe.ways[self.side];
        loop {
            let changed = self.pipe.weather.changed();
            let is_partitioned = self.pipe.is_partitioned();
            let due = {
                let mut state = way.state.lock();
                let due = state.coming.front().map(|(due, _)| *due);
                let may_arrive = !is_partitioned || state.is_reset;
                match due {
                    Some(due) if may_arrive && due <= Instant::now() => {
                        if let Some((_, arrival)) = state.coming.pop_front() {
                            return arrival;
                        }
                        continue;
                    }
                    None if state.is_over => return Arrival::Lost,
                    due => due.filter(|_| may_arrive),
                }
            };
            // A partition that begins meanwhile holds what is on its way.
            let mut waits = pin!(async {
                match due {
                    Some(due) => sleep_until(due).await,
                    None => std::future::pending().await,
                }
            });
            tokio::select! {
                biased;
                () = way.has_news.notified() => {}
                () = changed => {}
                () = &mut waits => {}
            }
        }
    }

    async fn until_room(&self) {}

    fn send(&self, frame: Bytes) {
        let fate = self.pipe.weather.count_message();
        if fate != Fate::Lost {
            self.pipe.deliver(1 - self.side, Arrival::Message(frame));
        }
        match fate {
            Fate::Arrives => {}
            // The end comes behind the message.
            Fate::ArrivesLast => {
                self.pipe.deliver(1 - self.side, Arrival::Lost);
                self.pipe.reset(self.side);
            }
            Fate::Lost => self.pipe.cut(),
        }
    }

    fn close(&self, _: &Goodbye) {
        self.pipe.deliver(1 - self.side, Arrival::Closed);
    }
}

impl Drop for End {
    fn drop(&mut self) {
        self.pipe.deliver(1 - self.side, Arrival::Lost);
    }
}
