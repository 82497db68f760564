//! How many may come, from where and how fast.

use std::collections::HashMap;
use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use distributed_scope_core::{Account, Limits, Moment, TokenBucket};
use parking_lot::Mutex;

/// The places of a peer, by address.
pub(crate) struct Places {
    per_address: usize,
    taken: Arc<Mutex<All>>,
    handshakes: Mutex<TokenBucket>,
    limits: Limits,
}

/// The addresses that have a place, or for which something is held.
#[derive(Default)]
struct All {
    by_address: HashMap<IpAddr, Taken>,
    /// How many may be there only for what is held for them: a block that outlives its session, say.
    without_place: usize,
}

/// The places of one address.
struct Taken {
    count: usize,
    account: Arc<Account>,
}

/// A place that is taken until this is dropped.
pub(crate) struct Place {
    address: IpAddr,
    taken: Arc<Mutex<All>>,
    account: Arc<Account>,
}

/// Why there is no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoPlace {
    #[error("too many connections begin at once (`Limits::handshakes_per_second`): try again later")]
    TooFast,
    #[error("too many sessions from one address (`Limits::sessions_per_address`)")]
    TooMany,
}

impl Places {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            per_address: limits.sessions_per_address,
            taken: Arc::default(),
            handshakes: Mutex::new(TokenBucket::new(limits.handshakes_per_second)),
            limits: limits.clone(),
        }
    }

    pub(crate) fn take(&self, address: IpAddr, now: Moment) -> Result<Place, NoPlace> {
        let address = network(address);
        let mut all = self.taken.lock();
        if all.by_address.get(&address).map_or(0, |taken| taken.count) >= self.per_address {
            return Err(NoPlace::TooMany);
        }
        // All addresses share these, and one that has no place does not use them up.
        if !self.handshakes.lock().take(now) {
            return Err(NoPlace::TooFast);
        }
        let account = all.enter(address, &self.limits);
        Ok(Place { address, taken: Arc::clone(&self.taken), account })
    }
}

impl All {
    fn enter(&mut self, address: IpAddr, limits: &Limits) -> Arc<Account> {
        if self.without_place > 0 {
            self.by_address.retain(|_, taken| taken.is_needed());
            self.without_place = self.by_address.values().filter(|taken| taken.count == 0).count();
        }
        let new = || Taken { count: 0, account: Account::of_address(limits) };
        let taken = self.by_address.entry(address).or_insert_with(new);
        taken.count += 1;
        Arc::clone(&taken.account)
    }

    fn leave(&mut self, address: IpAddr) {
        let Some(taken) = self.by_address.get_mut(&address) else { return };
        taken.count -= 1;
        if !taken.is_needed() {
            self.by_address.remove(&address);
        } else if taken.count == 0 {
            self.without_place += 1;
        }
    }
}

impl Taken {
    fn is_needed(&self) -> bool {
        self.count > 0 || self.account.held() > 0
    }
}

impl Place {
    /// What is held for its address.
    pub(crate) fn account(&self) -> &Arc<Account> {
        &self.account
    }
}

/// What counts as one address. A customer usually has a whole network of IPv6, at least of 64 bits.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & !0 << 64).into(),
        address @ IpAddr::V4(_) => address,
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.taken.lock().leave(self.address);
    }
}

impl fmt::Debug for Places {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Places").field("per_address", &self.per_address).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn at(seconds: u64) -> Moment {
        Moment::after_origin(Duration::from_secs(seconds))
    }

    #[test]
    fn an_address_has_so_many_places_and_gets_them_back() {
        let places = Places::new(&Limits { sessions_per_address: 2, ..Limits::default() });
        let [one, other] = ["192.0.2.1", "192.0.2.2"].map(|address| address.parse().unwrap());
        let first = places.take(one, at(0)).unwrap();
        let _second = places.take(one, at(0)).unwrap();
        assert_eq!(places.take(one, at(0)).err(), Some(NoPlace::TooMany));
        assert!(places.take(other, at(0)).is_ok());
        drop(first);
        assert!(places.take(one, at(0)).is_ok());
    }

    #[test]
    fn who_has_no_place_takes_no_turn_from_others_and_leaves_no_trace() {
        let limits = Limits { sessions_per_address: 1, handshakes_per_second: 2, ..Limits::default() };
        let places = Places::new(&limits);
        let [one, other] = ["192.0.2.1", "192.0.2.2"].map(|address| address.parse().unwrap());
        let _place = places.take(one, at(0)).unwrap();
        for _ in 0..9 {
            assert_eq!(places.take(one, at(0)).err(), Some(NoPlace::TooMany));
        }
        assert!(places.take(other, at(0)).is_ok());
        let closed = Places::new(&Limits { sessions_per_address: 0, ..Limits::default() });
        assert_eq!(closed.take(one, at(0)).err(), Some(NoPlace::TooMany));
        assert!(closed.taken.lock().by_address.is_empty());
    }

    #[test]
    fn a_network_of_ipv6_is_one_address_and_a_mapped_one_is_of_ipv4() {
        let same = |one: &str, two: &str| network(one.parse().unwrap()) == network(two.parse().unwrap());
        assert!(same("2001:db8:1:2::3", "2001:db8:1:2:ffff::"));
        assert!(!same("2001:db8:1:2::3", "2001:db8:1:3::3"));
        assert!(same("::ffff:192.0.2.1", "192.0.2.1"));
        assert!(!same("::ffff:192.0.2.1", "::ffff:192.0.2.2"));
    }

    #[test]
    fn connections_begin_no_faster_than_the_limit_says() {
        let places = Places::new(&Limits { handshakes_per_second: 2, ..Limits::default() });
        let address = "192.0.2.1".parse().unwrap();
        let _two = [places.take(address, at(0)).unwrap(), places.take(address, at(0)).unwrap()];
        assert_eq!(places.take(address, at(0)).err(), Some(NoPlace::TooFast));
        assert!(places.take(address, at(1)).is_ok());
    }
}
