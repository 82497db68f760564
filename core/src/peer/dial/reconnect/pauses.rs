//! How long to wait between two connection attempts, and whether another attempt is useful.

use std::mem::{Discriminant, discriminant};
use std::time::Duration;

use crate::peer::ConnectError;
use crate::wire::frame::Reject;

/// If a connection lasted this long, it was stable, and the pauses after it are short again.
pub(super) const GOOD: Duration = Duration::from_secs(10);

/// What an error predicts about further attempts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outlook {
    /// No server answered, or not as expected; the next attempt may succeed.
    Soon,
    /// A server answers and refuses, until its state or configuration changes.
    Later,
    /// Every attempt of this program will end like this.
    Never,
}

impl Outlook {
    pub(super) fn of(error: &ConnectError) -> Self {
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
            // The server may not have noticed yet that this peer's old connection is dead.
            Reject::IdInUse { seconds: 1.. }
            | Reject::Late
            | Reject::GoingAway
            | Reject::BadToken
            | Reject::Lost => Self::Soon,
            Reject::IdInUse { seconds: 0 } => Self::Later,
            Reject::Full | Reject::BadKey | Reject::NotProved | Reject::NotYours | Reject::WrongPeer => {
                Self::Later
            }
            Reject::Version { .. } | Reject::OwnId | Reject::NoCodec | Reject::NoKeys | Reject::Replaced => {
                Self::Never
            }
        }
    }
}

/// The kind of failure, to log each kind only once.
type Kind = (Discriminant<ConnectError>, u16, Option<Discriminant<Reject>>);

fn kind(error: &ConnectError) -> Kind {
    let (status, reject) = match error {
        ConnectError::Denied { status, .. } | ConnectError::NotAPeer { status, .. } => (*status, None),
        ConnectError::Refused { source, .. } => (0, Some(discriminant(source))),
        _ => (0, None),
    };
    (discriminant(error), status, reject)
}

/// The pauses between attempts. Each is random between 0 and a bound, so that a thousand clients
/// of one server do not reconnect at the same time. The bound grows by a factor of 1.6 each time,
/// up to 300 times the first bound and to 30 s. If the server answers and refuses, the bound is
/// ten times as high. The bound is reset only after a stable connection: a server that accepts and
/// drops connections is not dialled faster for it.
#[derive(Debug)]
pub(super) struct Pauses {
    first: Duration,
    bound: Duration,
    random: u64,
    /// The kinds of failure that were logged already.
    known: Vec<Kind>,
}

impl Pauses {
    const LONGEST: Duration = Duration::from_secs(30);

    /// The longest pause that a server's request is honoured for. If a server asks for more, it is
    /// dialled earlier: it may have meant another client, or its clock may differ.
    const LONGEST_ASKED: Duration = Duration::from_secs(3600);

    pub(super) fn new(first: Duration, seed: u64) -> Self {
        Self { first, bound: first, random: seed | 1, known: Vec::new() }
    }

    /// Resets the pauses after a stable connection.
    pub(super) fn start_over(&mut self) {
        self.bound = self.first;
        self.known.clear();
    }

    /// Whether no failure of this kind has happened since the last stable connection.
    pub(super) fn is_news(&mut self, error: &ConnectError) -> bool {
        let kind = kind(error);
        let is_news = !self.known.contains(&kind);
        if is_news {
            self.known.push(kind);
        }
        is_news
    }

    /// The pause before the next attempt, if the last one failed like this. While a session waits
    /// that is lost after this `window`, a pause is at most an eighth of it, unless the server
    /// refuses.
    pub(super) fn next(&mut self, failed: Option<&ConnectError>, window: Option<Duration>) -> Duration {
        let longest = Self::LONGEST.min(self.first.saturating_mul(300));
        let is_refused = failed.is_some_and(|error| Outlook::of(error) == Outlook::Later);
        let bound = match window {
            _ if is_refused => self.bound.saturating_mul(10),
            Some(window) => self.bound.min(window / 8),
            None => self.bound,
        };
        self.bound = (self.bound.saturating_mul(8) / 5).min(longest);
        // If a server asked for a pause, a client waits at least that long, with a random part
        // added so that clients do not all return together.
        let asked = failed.and_then(ConnectError::retry_after).unwrap_or_default().min(Self::LONGEST_ASKED);
        asked + self.part_of(bound)
    }

    /// A random part of this duration.
    fn part_of(&mut self, bound: Duration) -> Duration {
        // xorshift64: it spreads clients in time, which needs no better randomness.
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        // Integers, because a page would load floating-point arithmetic for this alone.
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
            (0..nth).map(|_| pauses.next(Some(error), None)).last().unwrap()
        };
        (1..=1000).map(of).max().unwrap()
    }

    /// The first pauses of many clients already fill the whole span from 0 to the bound.
    #[test]
    fn first_pauses_have_full_jitter() {
        let first = |seed: u64| Pauses::new(FIRST, seed.wrapping_mul(0x9E37_79B9_7F4A_7C15)).next(None, None);
        let mut tenths = [0; 10];
        for pause in (1..=5000).map(first) {
            tenths[usize::try_from(pause.as_millis() / 10).unwrap().min(9)] += 1;
        }
        assert!(tenths.iter().all(|count| (350..=650).contains(count)), "{tenths:?}");
        let mut one = Pauses::new(FIRST, 7);
        one.next(None, None);
        one.start_over();
        assert_ne!(Pauses::new(FIRST, 7).next(None, None), one.next(None, None), "no client repeats itself");
    }

    /// The bound grows to 30 s, and to ten times as much where a server refuses.
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
        assert!(
            (0..100).all(|_| short.next(None, None) <= Duration::from_millis(301)),
            "300 times the first"
        );
    }

    /// A session that waits for 30 s is not lost because no attempt is made for that long, and the
    /// pauses are long again when it is over. A server that refuses is not dialled more often.
    #[test]
    fn pauses_are_short_while_a_session_waits() {
        let (window, error) = (Some(Duration::from_secs(30)), unreachable());
        for seed in 1..100 {
            let mut pauses = Pauses::new(FIRST, seed << 32);
            assert!((0..40).all(|_| pauses.next(Some(&error), window) <= Duration::from_millis(3_750)));
            let longest = (0..20).map(|_| pauses.next(Some(&error), None)).max();
            assert!(longest > Some(Duration::from_secs(10)), "{longest:?}");
        }
        let mut refused = Pauses::new(FIRST, 7);
        let longest = (0..40).map(|_| refused.next(Some(&denied(403, None)), window)).max();
        assert!(longest > Some(Duration::from_secs(30)), "{longest:?}");
    }

    /// A requested pause is observed, up to an hour, and clients with the same request do not
    /// return together.
    #[test]
    fn retry_after_is_honoured() {
        let mut pauses: Vec<_> = (1..=100)
            .map(|seed| Pauses::new(FIRST, seed << 32).next(Some(&denied(503, Some(7))), None))
            .collect();
        assert!(pauses.iter().all(|pause| (7.0..8.1).contains(&pause.as_secs_f64())), "{pauses:?}");
        pauses.sort();
        pauses.dedup();
        assert!(pauses.len() > 90);
        let far = Pauses::new(FIRST, 7).next(Some(&denied(429, Some(1_000_000))), None);
        assert!((3600.0..3602.0).contains(&far.as_secs_f64()), "{far:?}");
    }

    /// Each cause is reported once, until a connection was stable.
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

    /// If only another build or another URL can fix an error, it ends the attempts. If the other
    /// side may fix it, it does not.
    #[test]
    fn hopeless_errors_end_attempts() {
        let url = String::new;
        let refused = |source| ConnectError::Refused { url: url(), source };
        assert_eq!(Outlook::of(&ConnectError::Outdated { url: url(), ours: 1, theirs: 2 }), Outlook::Never);
        assert_eq!(Outlook::of(&ConnectError::Plaintext { url: url() }), Outlook::Never);
        assert_eq!(Outlook::of(&refused(Reject::NoCodec)), Outlook::Never);
        assert_eq!(Outlook::of(&denied(403, None)), Outlook::Later);
        assert_eq!(Outlook::of(&refused(Reject::NotProved)), Outlook::Later);
        assert_eq!(Outlook::of(&refused(Reject::IdInUse { seconds: 3 })), Outlook::Soon);
        assert_eq!(Outlook::of(&refused(Reject::IdInUse { seconds: 0 })), Outlook::Later);
        assert_eq!(Outlook::of(&refused(Reject::Replaced)), Outlook::Never);
        assert_eq!(Outlook::of(&unreachable()), Outlook::Soon);
    }
}
