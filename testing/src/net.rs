//! `Net`: the network of a test.

use std::fmt::{self, Write as _};
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use distributed_scope_core::{CallReport, PeerId, ServedReport};

use crate::world::World;
use crate::{Builder, Peer, run};

/// A network of peers in one process, in virtual time. A handle is cheap to clone.
///
/// See the [module](crate) for complete tests.
#[derive(Clone)]
pub struct Net(Arc<World>);

impl Net {
    /// Runs a test on a network of its own, in virtual time, and returns what the test returns.
    ///
    /// The peers run on this thread and end with the test.
    ///
    /// # Panics
    ///
    /// If the test panics, or waits for ever: after 24 hours of virtual time.
    pub fn run<T>(seed: u64, test: impl AsyncFnOnce(Self) -> T) -> T {
        run::run(seed, async |world| test(Self(world)).await)
    }

    /// Returns the builder of a peer whose id is [`PeerId::named`] with this name. Like any peer,
    /// it exposes nothing by default.
    pub fn peer(&self, name: &str) -> Builder {
        Builder::new(Arc::clone(&self.0), name, PeerId::named(name).into())
    }

    /// The seed of this run.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.0.seed()
    }

    /// The virtual time since the start of the test.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.0.clock().elapsed()
    }

    /// Sets how long each message takes, at random within this range. Messages of one direction of
    /// a connection never overtake each other.
    ///
    /// Default: 1 to 5 ms.
    pub fn set_delay(&self, delay: Range<Duration>) {
        self.0.weather().set_delay(delay);
    }

    /// Cuts all connections between two peers. Messages on their way are lost, both peers notice it
    /// at once, and a link connects again.
    pub fn cut(&self, one: &Peer, other: &Peer) {
        self.0.pipes(one.number(), Some(other.number())).iter().for_each(|pipe| pipe.cut());
    }

    /// Cuts the connection at about one of this many messages, at random: before the message, or
    /// after it. 0 ends that.
    pub fn cut_one_in(&self, messages: u32) {
        self.0.weather().set_cuts(messages);
    }

    /// Partitions two peers: nothing arrives between them, and neither is notified. Messages and
    /// connection attempts wait, as TCP repeats them, until [`heal`](Self::heal).
    pub fn partition(&self, one: &Peer, other: &Peer) {
        self.0.weather().partition(one.number(), other.number(), true);
    }

    /// Ends the partition of two peers.
    pub fn heal(&self, one: &Peer, other: &Peer) {
        self.0.weather().partition(one.number(), other.number(), false);
    }

    /// Ends all partitions.
    pub fn heal_all(&self) {
        self.0.weather().heal_all();
    }

    /// The number of messages that all peers have sent, those of handshakes included.
    #[must_use]
    pub fn messages(&self) -> u64 {
        self.0.weather().messages()
    }

    /// Does something when the message with this number is on its way, counted from 1 as
    /// [`messages`](Self::messages) counts. A test can partition two peers at each step of a
    /// function in turn.
    ///
    /// ```
    /// # use distributed_scope::testing::Net;
    /// # Net::run(1, async |net| {
    /// # let (client, server) = (net.peer("client").start(), net.peer("server").start());
    /// net.at_message(net.messages() + 3, {
    ///     let (client, server) = (client.clone(), server.clone());
    ///     move |net| net.partition(&client, &server)
    /// });
    /// # });
    /// ```
    pub fn at_message(&self, number: u64, action: impl FnOnce(&Self) + Send + 'static) {
        let net = self.clone();
        self.0.weather().at_message(number, Box::new(move || action(&net)));
    }

    /// The calls that have ended, in the order of their ends, as the peers that made them see
    /// them. Calls that were dropped are not included.
    #[must_use]
    pub fn calls(&self) -> Vec<CallReport> {
        self.0.calls().lock().clone()
    }

    /// The blocks that have ended, in the order of their ends, as the peers that ran them see them.
    #[must_use]
    pub fn runs(&self) -> Vec<ServedReport> {
        self.0.runs().lock().clone()
    }

    /// Checks that a block has run exactly once, on any peer. The block is named by its function,
    /// with or without its module: `greet`, `shop::orders::place`. A function with several blocks
    /// needs the number of the block, too: `demo#1`.
    ///
    /// # Panics
    ///
    /// If it ran more than once or not at all. The message lists what ran.
    #[track_caller]
    pub fn expect_ran_once(&self, block: &str) {
        let runs = self.runs();
        let count = runs.iter().filter(|run| is_named(run.block.path, block)).count();
        assert!(count == 1, "`{block}` ran {count} times, and not once; what ran: {}", self.list(&runs));
    }

    /// Checks that a block, named as for [`expect_ran_once`](Self::expect_ran_once), has not run
    /// more than once.
    ///
    /// # Panics
    ///
    /// If it did. The message lists what ran.
    #[track_caller]
    pub fn expect_ran_at_most_once(&self, block: &str) {
        let runs = self.runs();
        let count = runs.iter().filter(|run| is_named(run.block.path, block)).count();
        assert!(
            count <= 1,
            "`{block}` ran {count} times, and not at most once; what ran: {}",
            self.list(&runs)
        );
    }

    fn list(&self, runs: &[ServedReport]) -> String {
        if runs.is_empty() {
            return "nothing".to_owned();
        }
        let name = |id| self.0.name_of(id).unwrap_or_else(|| id.to_string());
        let mut text = String::new();
        for run in runs {
            // Writing to a string does not fail.
            let _ = write!(text, "\n  {} on `{}`: {}", run.block.path, name(run.peer), run.outcome);
        }
        text
    }
}

/// Whether the path of a block, `shop::orders::place#0`, is what a test means by this name.
fn is_named(path: &str, name: &str) -> bool {
    let is_end = |path: &str, name: &str| {
        path.strip_suffix(name).is_some_and(|before| before.is_empty() || before.ends_with("::"))
    };
    let without_number = path.split('#').next().unwrap_or(path);
    is_end(path, name) || is_end(without_number, name)
}

impl fmt::Debug for Net {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_found_by_their_names() {
        let path = "shop::orders::place#0";
        for name in ["place", "place#0", "orders::place", "shop::orders::place#0"] {
            assert!(is_named(path, name), "{name}");
        }
        for name in ["lace", "place#1", "orders", "shop::orders", "rders::place"] {
            assert!(!is_named(path, name), "{name}");
        }
        assert!(is_named("search", "search"), "a block with a name of its own");
    }
}
