//! Coming back after a connection was lost: again and again, further and further apart, not all at once.

use std::mem::{Discriminant, discriminant};
use std::sync::{Arc, Weak};
use std::time::Duration;

use super::regular_cuts::RegularCuts;
use super::{ConnectError, Goodbye, Link, Platform, Shared};
use crate::frame::Reject;

/// A connection that lasted this long was a good one, and the pauses after it are short again.
const GOOD: Duration = Duration::from_secs(10);

/// Watches over a session that we dialled, and dials again whenever its connection is lost. Ends when the peer is stopped or
/// nobody has a handle of it any more, and after an error that further attempts cannot change: the session ends then, too.
///
/// `dial` makes a connection to go on with the session that it is given, or to begin a new one, and ends when the session is
/// open.
pub async fn keep_connected<P: Platform>(
    shared: Weak<Shared<P>>,
    mut link: Arc<Link<P>>,
    dial: impl AsyncFn(Arc<Shared<P>>, Option<Arc<Link<P>>>) -> Result<Arc<Link<P>>, ConnectError>,
) {
    let seed = link.id().0.first_chunk().copied().map_or(1, u64::from_le_bytes);
    let mut pauses = Pauses::new(link.shared().limits().reconnect, seed);
    let (mut is_resumed, mut cuts) = (false, RegularCuts::default());
    loop {
        let (begun, before) = (link.shared().now(), received(&link));
        link.until_detached().await;
        let lasted = link.shared().now().since(begun);
        // A server that opens sessions and drops them says as much with each.
        let has_progressed = is_resumed && received(&link) > before;
        if has_progressed || lasted >= GOOD {
            pauses.start_over();
        }
        let remote = link.remote();
        cuts.note(&link, lasted);
        let mut failed = None;
        let next = loop {
            let pause = pauses.next(failed.as_ref());
            // Not held while waiting: a peer that nobody has any more must be able to end.
            let sleep = match shared.upgrade() {
                Some(shared) if !shared.is_stopping() => {
                    tracing::debug!(peer = %shared.id(), %remote, ?pause, "reconnecting");
                    let (platform, until) = (shared.platform(), shared.now() + pause);
                    if failed.is_none() {
                        platform.first_pause_until(until)
                    } else {
                        platform.pause_until(until)
                    }
                }
                _ => return,
            };
            sleep.await;
            let Some(shared) = shared.upgrade().filter(|shared| !shared.is_stopping()) else { return };
            let old = link.is_alive().then(|| Arc::clone(&link));
            match dial(shared, old).await {
                Ok(next) => break next,
                Err(ConnectError::Stopped) => return,
                Err(error) if Outlook::of(&error) == Outlook::Never => {
                    tracing::warn!(%remote, %error, "session ended: connecting again cannot succeed");
                    // Whoever waits for a call of it need not wait until it expires.
                    return link.close(Goodbye::normal("connecting again cannot succeed"));
                }
                Err(error) if pauses.is_news(&error) => {
                    let source = std::error::Error::source(&error);
                    tracing::warn!(%remote, %error, source, "cannot reconnect yet; further attempts are logged at debug");
                    failed = Some(error);
                }
                Err(error) => {
                    tracing::debug!(%remote, %error, "cannot reconnect yet");
                    failed = Some(error);
                }
            }
        };
        is_resumed = Arc::ptr_eq(&next, &link);
        link = next;
    }
}

/// How many numbered frames of a session have arrived; none if it is over.
fn received<P: Platform>(link: &Link<P>) -> u64 {
    link.resume().map_or(0, |ticket| ticket.received)
}

/// What an error says of further attempts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outlook {
    /// Nobody answered, or not as it should be; the next attempt may succeed.
    Soon,
    /// Somebody answers and refuses, until somebody else changes something.
    Later,
    /// Every attempt of this program will end like this.
    Never,
}

impl Outlook {
    fn of(error: &ConnectError) -> Self {
        match error {
            ConnectError::Unreachable { .. }
            | ConnectError::TimedOut { .. }
            | ConnectError::Closed { .. }
            | ConnectError::Token { .. } => Self::Soon,
            ConnectError::Denied { .. }
            | ConnectError::NotAPeer { .. }
            | ConnectError::NotHttp { .. }
            | ConnectError::Tls { .. } => Self::Later,
            ConnectError::Refused { source, .. } => Self::of_reject(source),
            ConnectError::Url { .. }
            | ConnectError::Insecure { .. }
            | ConnectError::Forbidden { .. }
            | ConnectError::Plaintext { .. }
            | ConnectError::Outdated { .. }
            | ConnectError::Stopped => Self::Never,
        }
    }

    fn of_reject(reject: &Reject) -> Self {
        match reject {
            // The old connection of this peer may still look alive over there.
            Reject::IdInUse | Reject::Late | Reject::GoingAway | Reject::BadToken | Reject::Lost => {
                Self::Soon
            }
            Reject::Full | Reject::BadKey | Reject::NotProved | Reject::NotYours | Reject::WrongPeer => {
                Self::Later
            }
            Reject::Version { .. } | Reject::OwnId | Reject::NoCodec | Reject::NoKeys => Self::Never,
        }
    }
}

/// What went wrong, for whoever has been told of it once.
type Cause = (Discriminant<ConnectError>, u16, Option<Discriminant<Reject>>);

fn cause(error: &ConnectError) -> Cause {
    let (status, reject) = match error {
        ConnectError::Denied { status, .. } | ConnectError::NotAPeer { status, .. } => (*status, None),
        ConnectError::Refused { source, .. } => (0, Some(discriminant(source))),
        _ => (0, None),
    };
    (discriminant(error), status, reject)
}

/// The pauses between attempts. Each is random between nothing and a bound, so that a thousand clients of one server do not come back
/// together; the bound is 1.6 times as high each time, up to 300 times the first and to 30 s. Where somebody answers and refuses, it is ten
/// times as high. It stays until a connection was a good one: a server that welcomes and hangs up is not dialled faster for it.
#[derive(Debug)]
struct Pauses {
    first: Duration,
    bound: Duration,
    random: u64,
    /// What was told already.
    known: Vec<Cause>,
}

impl Pauses {
    const LONGEST: Duration = Duration::from_secs(30);

    /// A server that asks for more is dialled earlier: it may have meant another client, or have another clock.
    const LONGEST_ASKED: Duration = Duration::from_secs(3600);

    fn new(first: Duration, seed: u64) -> Self {
        Self { first, bound: first, random: seed | 1, known: Vec::new() }
    }

    /// After a good connection.
    fn start_over(&mut self) {
        self.bound = self.first;
        self.known.clear();
    }

    /// Whether nothing like this has happened since the last good connection.
    fn is_news(&mut self, error: &ConnectError) -> bool {
        let cause = cause(error);
        let is_news = !self.known.contains(&cause);
        if is_news {
            self.known.push(cause);
        }
        is_news
    }

    /// The pause before the next attempt, if the last one failed so.
    fn next(&mut self, failed: Option<&ConnectError>) -> Duration {
        let longest = Self::LONGEST.min(self.first.saturating_mul(300));
        let is_refused = failed.is_some_and(|error| Outlook::of(error) == Outlook::Later);
        let bound = if is_refused { self.bound.saturating_mul(10) } else { self.bound };
        self.bound = (self.bound.saturating_mul(8) / 5).min(longest);
        // Whoever was asked to wait waits at least that long, and still not as long as all others.
        let asked = failed.and_then(ConnectError::retry_after).unwrap_or_default().min(Self::LONGEST_ASKED);
        asked + self.part_of(bound)
    }

    /// A random part of this.
    fn part_of(&mut self, bound: Duration) -> Duration {
        // xorshift64: spreads clients in time, which needs no better randomness.
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        // Whole numbers, because a page would load the arithmetic of floats for this alone.
        bound * ((self.random >> 32) as u32 % 100_001) / 100_000
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: Duration = Duration::from_millis(100);

    fn unreachable() -> ConnectError {
        ConnectError::Unreachable { url: String::new(), source: "refused".into() }
    }

    fn denied(status: u16, retry_after: Option<u64>) -> ConnectError {
        let retry_after = retry_after.map(Duration::from_secs);
        ConnectError::Denied { url: String::new(), status, reason: String::new(), retry_after }
    }

    /// The longest of the n-th pauses of many clients, after errors like this one.
    fn longest(nth: usize, error: &ConnectError) -> Duration {
        let of = |seed: u64| {
            let mut pauses = Pauses::new(FIRST, seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
            (0..nth).map(|_| pauses.next(Some(error))).last().unwrap()
        };
        (1..=1000).map(of).max().unwrap()
    }

    /// Already the first pauses of many clients fill the whole span from nothing to its bound.
    #[test]
    fn first_pauses_have_full_jitter() {
        let first = |seed: u64| Pauses::new(FIRST, seed.wrapping_mul(0x9E37_79B9_7F4A_7C15)).next(None);
        let mut tenths = [0; 10];
        for pause in (1..=5000).map(first) {
            tenths[usize::try_from(pause.as_millis() / 10).unwrap().min(9)] += 1;
        }
        assert!(tenths.iter().all(|count| (350..=650).contains(count)), "{tenths:?}");
        let mut one = Pauses::new(FIRST, 7);
        one.next(None);
        one.start_over();
        assert_ne!(Pauses::new(FIRST, 7).next(None), one.next(None), "no client repeats itself");
    }

    /// The bound grows to 30 s, and to ten times as much where somebody refuses.
    #[test]
    fn pauses_grow_and_refusals_are_slower() {
        let within =
            |pause: Duration, bound: f64| (0.95 * bound..1.001 * bound).contains(&pause.as_secs_f64());
        for (error, times) in [(unreachable(), 1.0), (denied(403, None), 10.0)] {
            assert!(within(longest(1, &error), 0.1 * times), "{error}");
            assert!(within(longest(3, &error), 0.256 * times), "{error}");
            assert!(within(longest(40, &error), 30.0 * times), "{error}");
        }
        let mut short = Pauses::new(Duration::from_millis(1), 7);
        assert!((0..100).all(|_| short.next(None) <= Duration::from_millis(301)), "300 times the first");
    }

    /// What a server asks for is waited for, up to an hour, and clients that it told the same do not return together.
    #[test]
    fn retry_after_is_honoured() {
        let mut pauses: Vec<_> =
            (1..=100).map(|seed| Pauses::new(FIRST, seed << 32).next(Some(&denied(503, Some(7))))).collect();
        assert!(pauses.iter().all(|pause| (7.0..8.1).contains(&pause.as_secs_f64())), "{pauses:?}");
        pauses.sort();
        pauses.dedup();
        assert!(pauses.len() > 90);
        let far = Pauses::new(FIRST, 7).next(Some(&denied(429, Some(1_000_000))));
        assert!((3600.0..3602.0).contains(&far.as_secs_f64()), "{far:?}");
    }

    /// Each cause is news once, until a connection was good.
    #[test]
    fn cause_is_news_once() {
        let mut pauses = Pauses::new(FIRST, 7);
        assert!(pauses.is_news(&unreachable()) && pauses.is_news(&denied(401, None)));
        assert!(pauses.is_news(&denied(503, None)));
        for known in [unreachable(), denied(401, Some(3)), denied(503, None)] {
            assert!(!pauses.is_news(&known), "{known}");
        }
        pauses.start_over();
        assert!(pauses.is_news(&unreachable()));
    }

    /// What only another build or another URL can change ends the attempts; what the other side may change does not.
    #[test]
    fn hopeless_errors_end_attempts() {
        let url = String::new;
        let refused = |source| ConnectError::Refused { url: url(), source };
        assert_eq!(Outlook::of(&ConnectError::Outdated { url: url(), ours: 1, theirs: 2 }), Outlook::Never);
        assert_eq!(Outlook::of(&ConnectError::Plaintext { url: url() }), Outlook::Never);
        assert_eq!(Outlook::of(&refused(Reject::NoCodec)), Outlook::Never);
        assert_eq!(Outlook::of(&denied(403, None)), Outlook::Later);
        assert_eq!(Outlook::of(&refused(Reject::NotProved)), Outlook::Later);
        assert_eq!(Outlook::of(&refused(Reject::IdInUse)), Outlook::Soon);
        assert_eq!(Outlook::of(&unreachable()), Outlook::Soon);
    }
}
