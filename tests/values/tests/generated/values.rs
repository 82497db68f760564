//! Random values, and what serde's attributes make of them.

#![allow(dead_code, reason = "the seed of the types decides which of these they use")]

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use crate::rng::Rng;

/// What random values are made of.
pub(crate) struct Values {
    rng: Rng,
    may_be_skipped: bool,
}

impl Values {
    pub(crate) fn new(seed: u64, may_be_skipped: bool) -> Self {
        Self { rng: Rng::new(seed), may_be_skipped }
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.rng.below(end)
    }

    fn bits(&mut self) -> u128 {
        u128::from(self.rng.next()) << 64 | u128::from(self.rng.next())
    }

    /// Whether to make a variant that serde refuses to write, or to read.
    pub(crate) fn makes_skipped_variant(&mut self) -> bool {
        self.rng.one_in(64) && self.may_be_skipped
    }

    fn length(&mut self) -> usize {
        self.rng.pick(&[0, 0, 1, 1, 2, 3])
    }
}

/// A type of which random values are sent.
pub(crate) trait Random: Sized {
    fn random(rng: &mut Values) -> Self;

    /// What it is after it travelled.
    fn expected(self) -> Self;

    /// What a field has that does not travel.
    fn zero() -> Self;
}

pub(crate) fn random<T: Random>(rng: &mut Values) -> T {
    T::random(rng)
}

pub(crate) fn zero<T: Random>() -> T {
    T::zero()
}

pub(crate) fn seven<T: From<u8>>() -> T {
    T::from(7)
}

pub(crate) fn fifty_seven<T: From<u8>>() -> T {
    T::from(57)
}

pub(crate) fn is_57<T: From<u8> + PartialEq>(value: &T) -> bool {
    *value == T::from(57)
}

pub(crate) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

pub(crate) fn is_text_of_three(value: &str) -> bool {
    value.chars().count() == 3
}

pub(crate) fn is_list_of_three<T>(value: &[T]) -> bool {
    value.len() == 3
}

/// A map of which no key is the name of a field.
pub(crate) fn flat_map<V: Random>(rng: &mut Values) -> BTreeMap<String, V> {
    let map: BTreeMap<String, V> = random(rng);
    map.into_iter().map(|(key, value)| (format!("~{key}"), value)).collect()
}

macro_rules! plain {
    ($($type:ty: $zero:expr, $rng:ident => $random:expr;)*) => { $(
        impl Random for $type {
            fn random($rng: &mut Values) -> Self {
                $random
            }

            fn expected(self) -> Self {
                self
            }

            fn zero() -> Self {
                $zero
            }
        }
    )* };
}

macro_rules! integers {
    ($($type:ty)*) => { plain! { $(
        $type: 0, rng => match rng.below(8) {
            0 => 0,
            1 => 57,
            2 => <$type>::MAX,
            3 => <$type>::MIN,
            4 => rng.below(100) as $type,
            // Half of the lengths in which integers are written are longer than the one before.
            5 => (rng.bits() >> (rng.below(16) * 8)) as $type,
            _ => rng.bits() as $type,
        };
    )* } };
}

integers! { u8 u16 u32 u64 u128 i8 i16 i32 i64 i128 }

plain! {
    bool: false, rng => rng.below(2) == 1;
    (): (), _rng => ();
    f64: 0.0, rng => match rng.below(6) {
        0 => 0.0,
        1 => -0.0,
        2 => 57.0,
        3 => f64::MIN_POSITIVE,
        _ => {
            let any = f64::from_bits(rng.bits() as u64);
            if any.is_finite() { any } else { 0.1 }
        }
    };
    char: '\0', rng => rng.rng.pick(&['a', '0', '\0', '"', 'é', '漢', '\u{10ffff}']);
    String: String::new(), rng => match rng.below(8) {
        0 => String::new(),
        1 => rng.rng.pick(&["1", "-1", "null", "true", "127.0.0.1", "1.5"]).to_owned(),
        2 => "x".repeat(rng.rng.pick(&[3, 23, 24, 250, 256])),
        _ => (0..rng.below(6)).map(|_| char::random(rng)).collect(),
    };
    Duration: Duration::ZERO, rng => match rng.below(4) {
        0 => Duration::ZERO,
        1 => Duration::MAX,
        _ => Duration::new(rng.bits() as u64, rng.below(1_000_000_000) as u32),
    };
    IpAddr: Ipv4Addr::UNSPECIFIED.into(), rng => match rng.below(2) {
        0 => IpAddr::from((rng.bits() as u32).to_be_bytes()),
        _ => IpAddr::from(rng.bits().to_be_bytes()),
    };
}

impl<T: Random> Random for Vec<T> {
    fn random(rng: &mut Values) -> Self {
        (0..rng.length()).map(|_| T::random(rng)).collect()
    }

    fn expected(self) -> Self {
        self.into_iter().map(T::expected).collect()
    }

    fn zero() -> Self {
        Self::new()
    }
}

impl<T: Random> Random for Option<T> {
    fn random(rng: &mut Values) -> Self {
        (rng.below(3) > 0).then(|| T::random(rng))
    }

    fn expected(self) -> Self {
        self.map(T::expected)
    }

    fn zero() -> Self {
        None
    }
}

impl<T: Random> Random for Box<T> {
    fn random(rng: &mut Values) -> Self {
        Self::new(T::random(rng))
    }

    fn expected(self) -> Self {
        Self::new((*self).expected())
    }

    fn zero() -> Self {
        Self::new(T::zero())
    }
}

impl<T: Random, const N: usize> Random for [T; N] {
    fn random(rng: &mut Values) -> Self {
        std::array::from_fn(|_| T::random(rng))
    }

    fn expected(self) -> Self {
        self.map(T::expected)
    }

    fn zero() -> Self {
        std::array::from_fn(|_| T::zero())
    }
}

impl<A: Random, B: Random> Random for (A, B) {
    fn random(rng: &mut Values) -> Self {
        (A::random(rng), B::random(rng))
    }

    fn expected(self) -> Self {
        (self.0.expected(), self.1.expected())
    }

    fn zero() -> Self {
        (A::zero(), B::zero())
    }
}

impl<K: Random + Ord, V: Random> Random for BTreeMap<K, V> {
    fn random(rng: &mut Values) -> Self {
        (0..rng.length()).map(|_| (K::random(rng), V::random(rng))).collect()
    }

    fn expected(self) -> Self {
        self.into_iter().map(|(key, value)| (key, value.expected())).collect()
    }

    fn zero() -> Self {
        Self::new()
    }
}
