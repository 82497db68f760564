//! One connection: it is ordered, has latency and a limited capacity, and can be cut.

use std::collections::VecDeque;

use bytes::Bytes;

/// Two directions; the first is from the dialler.
#[derive(Debug, Default)]
pub(crate) struct Connection {
    directions: [Direction; 2],
    pub(crate) fault: Fault,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Fault {
    #[default]
    None,
    /// What was on its way is lost, and both sides learn of it sooner or later.
    Cut,
    /// Everything in flight and everything sent later is lost, without an error at either end.
    BlackHole,
}

#[derive(Debug, Default)]
struct Direction {
    frames: VecDeque<(u64, Bytes)>,
    bytes: usize,
    last_arrival: u64,
}

impl Connection {
    /// Sends a frame from a side; returns the time at which it arrives.
    pub(crate) fn send(&mut self, from: usize, frame: Bytes, now: u64, delay: u64) -> Option<u64> {
        if self.fault != Fault::None {
            return None;
        }
        let direction = &mut self.directions[from];
        let arrival = direction.last_arrival.max(now + delay);
        direction.last_arrival = arrival;
        direction.bytes += frame.len();
        direction.frames.push_back((arrival, frame));
        Some(arrival)
    }

    /// The next frame from a side, if it has arrived.
    pub(crate) fn arrive(&mut self, from: usize, now: u64) -> Option<Bytes> {
        let direction = &mut self.directions[from];
        direction.frames.front().filter(|(arrival, _)| *arrival <= now)?;
        let (_, frame) = direction.frames.pop_front()?;
        direction.bytes -= frame.len();
        Some(frame)
    }

    /// Whether the connection takes one more frame from a side. A black hole takes what the
    /// buffers hold.
    pub(crate) fn has_room(&self, from: usize, capacity: usize) -> bool {
        self.directions[from].bytes < capacity
    }

    /// Loses what is on its way, but for the first few frames of each direction.
    pub(crate) fn cut(&mut self, fault: Fault, survivors: [usize; 2]) {
        self.fault = fault;
        for (direction, survivors) in self.directions.iter_mut().zip(survivors) {
            direction.frames.truncate(survivors);
            direction.bytes = direction.frames.iter().map(|(_, frame)| frame.len()).sum();
        }
    }

    pub(crate) fn on_their_way(&self, from: usize) -> usize {
        self.directions[from].frames.len()
    }
}
