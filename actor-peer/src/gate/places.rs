//! The limits of connections: number, per address, and rate.

use std::collections::HashMap;
use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use distributed_scope_core::internal::TokenBucket;
use distributed_scope_core::{Account, Limits, Moment};
use parking_lot::Mutex;

/// The additional turns that a rejected request takes from its address.
const FAILURE: u64 = 3;

/// The minimum turns per second of an address: an address with a low session limit may still lose
/// its connections often.
const LEAST: u32 = 16;

/// The share of the global turns, in percent, for addresses with sessions, which may be
/// reconnecting to resume them.
const KEPT: u64 = 25;

/// An address at its session limit has one additional place per this number of sessions, for
/// reconnects after a loss.
const COME_BACK: usize = 4;

/// The number of addresses that are kept before idle ones are removed.
const FEW: usize = 64;

/// The places of a peer, by client address.
pub(crate) struct Places {
    per_address: usize,
    all: Arc<Mutex<All>>,
    handshakes: Mutex<TokenBucket>,
    limits: Limits,
}

#[derive(Default)]
struct All {
    addresses: HashMap<IpAddr, Address>,
    /// At this number of addresses, idle ones are removed.
    many: usize,
}

struct Address {
    taken: usize,
    /// The turns of this address.
    turns: TokenBucket,
    /// The memory that is held for this address.
    account: Arc<Account>,
}

/// A place that is occupied until this is dropped.
pub(crate) struct Place {
    address: IpAddr,
    is_beyond: bool,
    account: Arc<Account>,
    all: Arc<Mutex<All>>,
}

/// Why no place is free.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoPlace {
    #[error("too many new connections (`Limits::max_handshakes_per_second`): try again later")]
    TooFast,
    #[error(
        "too many new or rejected connections from one address (`Limits::max_sessions_per_address`): try again later"
    )]
    NoTurn,
    #[error("too many sessions from one address (`Limits::max_sessions_per_address`)")]
    TooMany,
}

impl Places {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            per_address: limits.max_sessions_per_address,
            all: Arc::default(),
            handshakes: Mutex::new(TokenBucket::new(limits.max_handshakes_per_second)),
            limits: limits.clone(),
        }
    }

    pub(crate) fn take(&self, address: IpAddr, now: Moment) -> Result<Place, NoPlace> {
        let address = network(address);
        let mut all = self.all.lock();
        let (taken, mut turns, account) = match all.addresses.get(&address) {
            Some(Address { taken, turns, account }) => (*taken, *turns, Arc::clone(account)),
            None => (0, TokenBucket::new(self.turns_per_address()), Account::of_address(&self.limits)),
        };
        // A session that waits for a new connection also occupies its place.
        if taken >= self.per_address.saturating_add(self.per_address / COME_BACK) {
            return Err(NoPlace::TooMany);
        }
        let is_beyond = taken >= self.per_address;
        if !turns.take(now) {
            return Err(NoPlace::NoTurn);
        }
        // These are shared by all addresses. An address without a place or a turn of its own must
        // not use them up.
        let mut common = self.handshakes.lock();
        let is_let_in = if taken > 0 { common.take(now) } else { common.take_leaving(now, KEPT) };
        if !is_let_in {
            return Err(NoPlace::TooFast);
        }
        all.put(address, Address { taken: taken + 1, turns, account: Arc::clone(&account) }, now);
        Ok(Place { address, is_beyond, account, all: Arc::clone(&self.all) })
    }

    /// As many as the sessions of an address, which may all reconnect at once.
    fn turns_per_address(&self) -> u32 {
        u32::try_from(self.per_address).unwrap_or(u32::MAX).max(LEAST)
    }

    /// Records a rejected request from this address.
    pub(crate) fn failed(&self, address: IpAddr, now: Moment) {
        if let Some(address) = self.all.lock().addresses.get_mut(&network(address)) {
            address.turns.charge(now, FAILURE);
        }
    }
}

impl Place {
    /// The memory that is held for its address.
    pub(crate) fn account(&self) -> &Arc<Account> {
        &self.account
    }

    /// Whether its address is at its session limit, so that this place is only for a reconnect.
    pub(crate) fn is_beyond(&self) -> bool {
        self.is_beyond
    }
}

impl All {
    fn put(&mut self, ip: IpAddr, address: Address, now: Moment) {
        if self.addresses.len() >= self.many.max(FEW) {
            self.addresses.retain(|_, address| address.is_needed(now));
            self.many = 2 * self.addresses.len();
        }
        self.addresses.insert(ip, address);
    }
}

impl Address {
    /// Whether it has sessions, has turns to recover, or has blocks that outlive their sessions.
    fn is_needed(&self, now: Moment) -> bool {
        self.taken > 0 || !self.turns.is_full(now) || self.account.held() > 0
    }
}

/// The unit that counts as one address. A customer usually has a whole IPv6 network of at least
/// 64 bits.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & !0 << 64).into(),
        address @ IpAddr::V4(_) => address,
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // The address is kept until its turns have recovered, so that it does not get new ones.
        if let Some(address) = self.all.lock().addresses.get_mut(&self.address) {
            address.taken -= 1;
        }
    }
}

impl fmt::Debug for Places {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Places").field("per_address", &self.per_address).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::time::Duration;

    use super::*;

    fn at(seconds: u64) -> Moment {
        Moment::after_origin(Duration::from_secs(seconds))
    }

    #[test]
    fn an_address_has_so_many_places_and_gets_them_back() {
        let places = Places::new(&Limits::default().with_max_sessions_per_address(2));
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
        let limits = Limits::default().with_max_sessions_per_address(1).with_max_handshakes_per_second(2);
        let places = Places::new(&limits);
        let [one, other] = ["192.0.2.1", "192.0.2.2"].map(|address| address.parse().unwrap());
        let _place = places.take(one, at(0)).unwrap();
        for _ in 0..9 {
            assert_eq!(places.take(one, at(0)).err(), Some(NoPlace::TooMany));
        }
        assert!(places.take(other, at(0)).is_ok());
        let closed = Places::new(&Limits::default().with_max_sessions_per_address(0));
        assert_eq!(closed.take(one, at(0)).err(), Some(NoPlace::TooMany));
        assert!(closed.all.lock().addresses.is_empty());
    }

    #[test]
    fn who_is_turned_away_pays_with_turns_of_its_own() {
        let limits = Limits::default().with_max_sessions_per_address(20).with_max_handshakes_per_second(100);
        let places = Places::new(&limits);
        let [one, other] = ["192.0.2.1", "192.0.2.2"].map(|address| address.parse().unwrap());
        let failures = (0..100)
            .take_while(|_| {
                let place = places.take(one, at(0));
                places.failed(one, at(0));
                place.is_ok()
            })
            .count();
        assert_eq!(failures, 5);
        assert_eq!(places.take(one, at(0)).err(), Some(NoPlace::NoTurn));
        let _others: Vec<_> = (0..20).map(|_| places.take(other, at(0)).unwrap()).collect();
        assert!(places.take(one, at(1)).is_ok());
    }

    #[test]
    fn who_has_sessions_comes_before_strangers() {
        let limits = Limits::default().with_max_handshakes_per_second(100);
        let places = Places::new(&limits);
        let known = "192.0.2.1".parse().unwrap();
        let _session = places.take(known, at(0)).unwrap();
        let stranger = |n: u32| IpAddr::from(Ipv4Addr::from_bits(0x0a00_0000 + n));
        let strangers: Vec<_> = (0..200).map_while(|n| places.take(stranger(n), at(0)).ok()).collect();
        assert!((70..80).contains(&strangers.len()), "{}", strangers.len());
        assert!((0..20).all(|_| places.take(known, at(0)).is_ok()));
    }

    #[test]
    fn addresses_that_have_gone_leave_no_trace() {
        let limits = Limits::default().with_max_handshakes_per_second(u32::MAX);
        let places = Places::new(&limits);
        for n in 0..100_000 {
            drop(places.take(Ipv4Addr::from_bits(n).into(), at(n.into())).unwrap());
        }
        assert!(places.all.lock().addresses.len() <= FEW);
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
        let places = Places::new(&Limits::default().with_max_handshakes_per_second(2));
        let address = "192.0.2.1".parse().unwrap();
        let _two = [places.take(address, at(0)).unwrap(), places.take(address, at(0)).unwrap()];
        assert_eq!(places.take(address, at(0)).err(), Some(NoPlace::TooFast));
        assert!(places.take(address, at(1)).is_ok());
    }
}
