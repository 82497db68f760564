//! Decides when published keys are fetched, without a clock or a socket of its own.

use std::sync::Arc;
use std::time::Duration;

use distributed_scope_core::Moment;

use super::key::Key;
use super::key_set::KeySet;

/// The time for which keys are used before they are fetched again. This bounds how long a
/// withdrawn key is accepted, while keys can be fetched.
const FRESH: Duration = Duration::from_secs(10 * 60);

/// The same bound if keys cannot be fetched.
const USABLE: Duration = Duration::from_secs(60 * 60);

/// The minimum time between two fetches. Tokens with unknown key ids cannot cause more.
const PAUSE: Duration = Duration::from_secs(10);

#[derive(Default)]
pub(super) struct Cache {
    fetched: Option<(KeySet, Moment)>,
    tried: Option<Moment>,
}

/// What to do about a token.
pub(super) enum Next {
    Use(Arc<Key>),
    Fetch,
    /// The issuer does not have this key.
    Unknown,
    /// Its keys are not available.
    Unavailable,
}

impl Cache {
    pub(super) fn find(&self, id: Option<&str>, now: Moment) -> Next {
        let may_fetch = self.tried.is_none_or(|tried| now.since(tried) >= PAUSE);
        let Some((keys, at)) = &self.fetched else {
            return if may_fetch { Next::Fetch } else { Next::Unavailable };
        };
        let age = now.since(*at);
        match keys.find(id) {
            Some(key) if age < FRESH || (age < USABLE && !may_fetch) => Next::Use(key),
            _ if may_fetch => Next::Fetch,
            None if age < USABLE => Next::Unknown,
            _ => Next::Unavailable,
        }
    }

    /// Records the result of a fetch; `None` if it failed.
    pub(super) fn fetched(&mut self, keys: Option<KeySet>, now: Moment) {
        self.tried = Some(now);
        if let Some(keys) = keys {
            self.fetched = Some((keys, now));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::Algorithm;

    fn at(seconds: u64) -> Moment {
        Moment::after_origin(Duration::from_secs(seconds))
    }

    fn keys(id: &str) -> Option<KeySet> {
        let key = json!({ "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", "kid": id });
        Some(KeySet::parse(Algorithm::EdDsa, json!({ "keys": [key] }).to_string().as_bytes()).unwrap())
    }

    fn next(cache: &Cache, id: &str, seconds: u64) -> &'static str {
        match cache.find(Some(id), at(seconds)) {
            Next::Use(_) => "use",
            Next::Fetch => "fetch",
            Next::Unknown => "unknown",
            Next::Unavailable => "unavailable",
        }
    }

    #[test]
    fn an_unknown_key_makes_it_fetch_at_most_once_in_ten_seconds() {
        let mut cache = Cache::default();
        assert_eq!(next(&cache, "a", 0), "fetch");
        cache.fetched(keys("a"), at(0));
        assert_eq!((next(&cache, "a", 1), next(&cache, "b", 9)), ("use", "unknown"));
        assert_eq!(next(&cache, "b", 10), "fetch");
        cache.fetched(keys("b"), at(10));
        assert_eq!((next(&cache, "b", 11), next(&cache, "a", 11)), ("use", "unknown"));
    }

    #[test]
    fn keys_are_fetched_again_in_time_and_serve_for_an_hour_when_that_fails() {
        let mut cache = Cache::default();
        cache.fetched(keys("a"), at(0));
        assert_eq!((next(&cache, "a", 599), next(&cache, "a", 600)), ("use", "fetch"));
        cache.fetched(None, at(600));
        assert_eq!((next(&cache, "a", 601), next(&cache, "a", 610)), ("use", "fetch"));
        cache.fetched(None, at(3595));
        assert_eq!((next(&cache, "a", 3599), next(&cache, "a", 3600)), ("use", "unavailable"));
        assert_eq!(next(&cache, "a", 3605), "fetch");
    }

    #[test]
    fn keys_that_could_never_be_fetched_are_unavailable_and_not_unknown() {
        let mut cache = Cache::default();
        cache.fetched(None, at(0));
        assert_eq!((next(&cache, "a", 1), next(&cache, "a", 10)), ("unavailable", "fetch"));
    }
}
