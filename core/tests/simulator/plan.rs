//! The plan of one schedule; everything here is drawn from the seed.

use std::time::Duration;

use distributed_scope_core::Limits;
use distributed_scope_core::session::CHUNK;

use crate::random::Random;

/// The circumstances of one schedule.
#[derive(Debug)]
pub(crate) struct Plan {
    /// Nothing is lost for good: the session is resumed in time, both sides keep what they sent
    /// for long enough, no deadline comes near. So every call has to end as its block does,
    /// however often the connection is cut.
    pub(crate) gentle: bool,
    pub(crate) limits: [Limits; 2],
    /// For how long, in microseconds, calls are made and faults happen.
    pub(crate) duration: u64,
    /// How many calls each side makes.
    pub(crate) calls: u64,
    pub(crate) cuts: u64,
    pub(crate) restarts: u64,
    /// When, if at all, one side starts to leave.
    pub(crate) leaves: bool,
    /// The longest time that a frame takes, in microseconds.
    pub(crate) latency: u64,
    /// How many bytes of one direction the connection holds.
    pub(crate) capacity: usize,
    /// How long the dialler waits before it dials again, in microseconds, at most.
    pub(crate) redial: u64,
}

/// What one call does, on the side that makes it and on the side that runs its block.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CallPlan {
    pub(crate) size: usize,
    pub(crate) result_size: usize,
    pub(crate) raises: bool,
    /// In microseconds; the longest are only ever ended by an abort.
    pub(crate) runs_for: u64,
    pub(crate) deadline: Option<u64>,
    pub(crate) cancelled_after: Option<u64>,
    /// The block calls back, this many levels deep, before it replies.
    pub(crate) nested: u8,
}

impl Plan {
    pub(crate) fn new(random: &mut Random) -> Self {
        let gentle = random.percent(40);
        let limits = [limits(random, gentle), limits(random, gentle)];
        let calls = random.between(1, 25);
        Self {
            gentle,
            limits,
            duration: random.pick(&[20_000, 2_000_000, 20_000_000]),
            calls,
            cuts: random.pick(&[0, 1, 3, 8]),
            restarts: if gentle { 0 } else { random.pick(&[0, 0, 1, 2]) },
            leaves: !gentle && random.percent(20),
            latency: random.pick(&[10, 1_000, 80_000]),
            capacity: random.pick(&[1 << 10, 80 << 10, 1 << 20]),
            redial: if gentle { 1_000_000 } else { random.pick(&[1_000, 1_000_000, 9_000_000]) },
        }
    }
}

fn limits(random: &mut Random, gentle: bool) -> Limits {
    let limits = Limits::default()
        .with_max_message(1 << 20)
        .with_send_window(random.pick(&[3 * CHUNK, 4 * CHUNK, 7 * CHUNK]))
        .with_idle_timeout(Duration::from_secs(random.between(4, 30)))
        .with_write_timeout(Duration::from_secs(3))
        .with_max_hops(8);
    if gentle {
        return limits
            .with_resend_buffer(64 << 20)
            .with_max_queued_bytes(64 << 20)
            .with_resume_window(Duration::from_secs(600));
    }
    limits
        .with_resend_buffer(random.pick(&[1 << 10, 100 << 10, 4 << 20]))
        .with_max_queued_bytes(random.pick(&[10 << 10, 300 << 10, 4 << 20]))
        .with_max_queued_result_bytes(random.pick(&[1 << 10, 300 << 10, 64 << 20]))
        .with_max_calls_in_flight(random.pick(&[3, 1 << 16]))
        .with_max_calls_served(random.pick(&[2, 1 << 16]))
        .with_resume_window(Duration::from_millis(random.pick(&[0, 500, 5_000])))
}

impl CallPlan {
    pub(crate) fn new(random: &mut Random, gentle: bool, nested: u8) -> Self {
        let (size, result_size) = (size(random), size(random));
        let nested = match nested {
            0 if random.percent(15) => random.between(1, 3) as u8,
            0 => 0,
            level => level - 1,
        };
        let deadline = match gentle {
            true if random.percent(50) => None,
            true => Some(900_000_000),
            false => Some(random.pick(&[500, 20_000, 1_000_000, 10_000_000])),
        };
        let cancelled_after = random.percent(15).then(|| random.between(0, 200_000));
        // Only a call that certainly is aborted may have a block that never ends.
        let can_run_for_ever = !gentle || cancelled_after.is_some();
        let runs_for = match random.between(0, 5) {
            0 if can_run_for_ever => u64::MAX,
            1 | 2 => 0,
            _ => random.between(0, 100_000),
        };
        Self { size, result_size, raises: random.percent(20), runs_for, deadline, cancelled_after, nested }
    }
}

fn size(random: &mut Random) -> usize {
    let size = match random.between(0, 9) {
        0 => random.between(CHUNK as u64 - 40, CHUNK as u64 + 40),
        1 => random.between(CHUNK as u64, 5 * CHUNK as u64),
        2 => random.between(1_000, 40_000),
        _ => random.between(8, 200),
    };
    size as usize
}
