//! Coming back after a connection was lost: again and again, further and further apart, not all at once.

use std::sync::{Arc, Weak};
use std::time::Duration;

use super::{ConnectError, Goodbye, Link, Platform, Shared};

/// Watches over a session that we dialled, and dials again whenever its connection is lost. Ends when the peer is stopped or
/// nobody has a handle of it any more, and when the other side speaks another version of the protocol now: the session ends then, because
/// it can only be resumed after one of the two programs was replaced.
///
/// `dial` makes a connection to go on with the session that it is given, or to begin a new one, and ends when the session is
/// open.
pub async fn keep_connected<P: Platform>(
    shared: Weak<Shared<P>>,
    mut link: Arc<Link<P>>,
    dial: impl AsyncFn(Arc<Shared<P>>, Option<Arc<Link<P>>>) -> Result<Arc<Link<P>>, ConnectError>,
) {
    loop {
        link.until_detached().await;
        let seed = link.id().0.first_chunk().copied().map_or(1, u64::from_le_bytes);
        let mut backoff = Backoff::new(link.shared().limits().reconnect, seed);
        let remote = link.remote();
        link = loop {
            let pause = backoff.pause();
            // Not held while waiting: a peer that nobody has any more must be able to end.
            let sleep = match shared.upgrade() {
                Some(shared) if !shared.is_stopping() => {
                    tracing::debug!(peer = %shared.id(), %remote, ?pause, "reconnecting");
                    shared.platform().pause_until(shared.now() + pause)
                }
                _ => return,
            };
            sleep.await;
            let Some(shared) = shared.upgrade().filter(|shared| !shared.is_stopping()) else { return };
            let old = link.is_alive().then(|| Arc::clone(&link));
            match dial(shared, old).await {
                Ok(link) => break link,
                Err(error) if error.is_outdated() => {
                    tracing::warn!(%remote, %error, "session ended: the other side speaks another version");
                    // Whoever waits for a call of it need not wait until it expires.
                    return link
                        .close(Goodbye::normal("the other side speaks another version of the protocol"));
                }
                Err(error) => tracing::debug!(%remote, %error, "cannot reconnect yet"),
            }
        };
    }
}

/// The pauses between attempts: each 1.6 times as long as the one before, at most 30 s, each up to a fifth longer or
/// shorter so that a thousand clients of one server do not come back together.
#[derive(Debug)]
struct Backoff {
    next: Duration,
    random: u64,
}

impl Backoff {
    const LONGEST: Duration = Duration::from_secs(30);

    fn new(first: Duration, seed: u64) -> Self {
        Self { next: first, random: seed | 1 }
    }

    fn pause(&mut self) -> Duration {
        let pause = self.next;
        self.next = (self.next * 8 / 5).min(Self::LONGEST);
        // xorshift64: spreads clients in time, which needs no better randomness.
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        // Whole numbers, because a page would load the arithmetic of floats for this alone.
        let parts = 80_000 + (self.random >> 32) as u32 % 40_001;
        pause * parts / 100_000
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: Duration = Duration::from_millis(100);

    #[test]
    fn pauses_grow_to_their_limit_and_differ_between_clients() {
        let mut backoff = Backoff::new(FIRST, 7);
        let pauses: Vec<_> = (0..20).map(|_| backoff.pause()).collect();
        assert!(pauses[0] >= Duration::from_millis(80) && pauses[0] <= Duration::from_millis(120));
        assert!(pauses[19] >= Duration::from_secs(24) && pauses[19] <= Duration::from_secs(36));
        let mut firsts: Vec<_> = (1..=100)
            .map(|seed: u64| Backoff::new(FIRST, seed.wrapping_mul(0x9E37_79B9_7F4A_7C15)).pause())
            .collect();
        firsts.sort();
        firsts.dedup();
        assert!(firsts.len() > 90);
    }
}
