//! What a network does to messages: delays, cuts and partitions, drawn from a seed.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::sync::futures::Notified;

use crate::process::Home;
use crate::random::Random;

/// A peer, by the order in which they were made.
pub(crate) type Number = usize;

/// Something that a test does when a certain message is sent.
pub(crate) type Action = Box<dyn FnOnce() + Send>;

pub(crate) struct Weather {
    home: Home,
    state: Mutex<State>,
    /// Notified when a partition begins or ends.
    changed: Notify,
}

struct State {
    random: Random,
    delay: Range<Duration>,
    /// The pairs of peers between which nothing arrives, the smaller number first.
    partitions: BTreeSet<[Number; 2]>,
    /// About one in this many messages cuts its connection; 0 for none.
    cuts: u32,
    /// The number of messages that were sent.
    messages: u64,
    actions: BTreeMap<u64, Vec<Action>>,
}

/// What happens to a connection at a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Arrives,
    /// The connection is cut after the message.
    ArrivesLast,
    /// The connection is cut before the message.
    Lost,
}

impl Weather {
    pub(crate) fn new(seed: u64, home: Home) -> Self {
        let state = State {
            random: Random::new(seed),
            delay: Duration::from_millis(1)..Duration::from_millis(5),
            partitions: BTreeSet::new(),
            cuts: 0,
            messages: 0,
            actions: BTreeMap::new(),
        };
        Self { home, state: Mutex::new(state), changed: Notify::new() }
    }

    pub(crate) fn random_bytes(&self) -> [u8; 32] {
        let mut state = self.state.lock();
        let mut bytes = [0; 32];
        for part in bytes.as_chunks_mut::<8>().0 {
            *part = state.random.next().to_le_bytes();
        }
        bytes
    }

    /// The time that the next message takes.
    pub(crate) fn delay(&self) -> Duration {
        let mut state = self.state.lock();
        let State { random, delay, .. } = &mut *state;
        random.within(delay)
    }

    pub(crate) fn set_delay(&self, delay: Range<Duration>) {
        self.state.lock().delay = delay;
    }

    pub(crate) fn set_cuts(&self, one_in: u32) {
        self.state.lock().cuts = one_in;
    }

    /// Partitions two peers, or ends that.
    pub(crate) fn partition(&self, one: Number, other: Number, begins: bool) {
        let pair = pair(one, other);
        let has_changed = {
            let partitions = &mut self.state.lock().partitions;
            if begins { partitions.insert(pair) } else { partitions.remove(&pair) }
        };
        if has_changed {
            self.changed.notify_waiters();
        }
    }

    pub(crate) fn heal_all(&self) {
        self.state.lock().partitions.clear();
        self.changed.notify_waiters();
    }

    pub(crate) fn is_partitioned(&self, one: Number, other: Number) -> bool {
        self.state.lock().partitions.contains(&pair(one, other))
    }

    /// Waits until a partition begins or ends. It has to be created before the state is read.
    pub(crate) fn changed(&self) -> Notified<'_> {
        self.changed.notified()
    }

    pub(crate) fn messages(&self) -> u64 {
        self.state.lock().messages
    }

    pub(crate) fn at_message(&self, number: u64, action: Action) {
        self.state.lock().actions.entry(number).or_default().push(action);
    }

    /// Drops the actions that are left. They refer to the network.
    pub(crate) fn forget_actions(&self) {
        let actions = std::mem::take(&mut self.state.lock().actions);
        drop(actions);
    }

    /// Counts a message and decides what happens to it. The actions of the test for this message
    /// run at the same moment, before it arrives.
    pub(crate) fn count_message(&self) -> Fate {
        let (actions, fate) = {
            let mut state = self.state.lock();
            state.messages += 1;
            let (number, cuts) = (state.messages, state.cuts);
            let fate = match state.random.one_in(cuts) {
                false => Fate::Arrives,
                true if state.random.one_in(2) => Fate::ArrivesLast,
                true => Fate::Lost,
            };
            (state.actions.remove(&number), fate)
        };
        if let Some(actions) = actions {
            self.home.send(move || actions.into_iter().for_each(|action| action()));
        }
        fate
    }
}

fn pair(one: Number, other: Number) -> [Number; 2] {
    [one.min(other), one.max(other)]
}
