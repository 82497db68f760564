//! A hash for numbers and ids that others choose.
//!
//! `rustc-hash` takes a multiplication, which everybody can undo: 65,536 numbers that all collide
//! are computed at once, and to put them into a map took 3.3 s (measured). With a secret key
//! that cannot be done, and it costs one multiplication all the same.

use std::hash::{BuildHasher, Hasher};
use std::sync::OnceLock;

use crate::util::random::random;

/// The key of this process, for each of its maps.
#[derive(Clone, Copy)]
pub(crate) struct Keyed {
    plus: u64,
    times: u64,
}

impl Default for Keyed {
    fn default() -> Self {
        static KEY: OnceLock<Keyed> = OnceLock::new();
        *KEY.get_or_init(|| {
            let random = random();
            let word = |at: usize| random[at..].first_chunk().copied().map_or(0, u64::from_le_bytes);
            // What is even loses bits.
            Self { plus: word(0), times: word(8) | 1 }
        })
    }
}

impl BuildHasher for Keyed {
    type Hasher = KeyedHasher;

    #[inline]
    fn build_hasher(&self) -> KeyedHasher {
        KeyedHasher { hash: self.plus, times: self.times }
    }
}

pub(crate) struct KeyedHasher {
    hash: u64,
    times: u64,
}

impl Hasher for KeyedHasher {
    #[inline]
    fn write_u64(&mut self, number: u64) {
        // Both halves of the product, because each bit of the key and of the number reaches one of
        // them.
        let product = u128::from(self.hash ^ number) * u128::from(self.times);
        self.hash = (product as u64) ^ ((product >> 64) as u64);
    }

    #[inline]
    fn write_usize(&mut self, number: usize) {
        self.write_u64(number as u64);
    }

    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks();
        words.iter().for_each(|word| self.write_u64(u64::from_le_bytes(*word)));
        rest.iter().for_each(|byte| self.write_u64(u64::from(*byte)));
    }

    #[inline]
    fn finish(&self) -> u64 {
        self.hash
    }
}

impl std::fmt::Debug for Keyed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keyed")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::hash::Hash;

    use rustc_hash::FxBuildHasher;
    use uuid::Uuid;

    use super::*;
    use crate::identity::peer_id::PeerId;
    use crate::wire::frame::CallId;

    /// Numbers that all have one hash in a map of `rustc-hash`, as far as a map looks at it.
    fn colliding() -> impl Iterator<Item = CallId> {
        const TIMES: u64 = 0xf135_7aea_2e62_a9c5;
        let inverse = (0..6)
            .fold(TIMES, |inverse, _| inverse.wrapping_mul(2_u64.wrapping_sub(TIMES.wrapping_mul(inverse))));
        (0..1 << 16).map(move |low: u64| CallId(inverse.wrapping_mul(0xABCD_EF00_0000_0000 | low)))
    }

    /// Ids that all have one hash in a map of `rustc-hash`: their first half takes back what it
    /// begins with, and zero times the other half is zero.
    fn colliding_ids() -> impl Iterator<Item = PeerId> {
        const SEED: u64 = 0x243f_6a88_85a3_08d3;
        (0..1 << 16).map(|number: u64| Uuid::from_u64_pair(SEED.swap_bytes(), number).into())
    }

    /// The most of them that fall into one of as many places as there are numbers.
    fn most_in_one_place<T: Hash>(hash: impl BuildHasher, all: impl Iterator<Item = T>) -> usize {
        let mut places = vec![0; 1 << 16];
        for one in all {
            places[hash.hash_one(one) as usize % (1 << 16)] += 1;
        }
        places.into_iter().max().unwrap()
    }

    #[test]
    fn numbers_that_are_chosen_to_collide_do_not() {
        assert_eq!(colliding().collect::<HashSet<_>>().len(), 1 << 16);
        assert!(most_in_one_place(FxBuildHasher, colliding()) > 1 << 15, "they collide in the other hash");
        assert!(most_in_one_place(Keyed::default(), colliding()) < 1 << 6);
    }

    #[test]
    fn ids_that_are_chosen_to_collide_do_not() {
        assert_eq!(colliding_ids().collect::<HashSet<_>>().len(), 1 << 16);
        assert!(
            most_in_one_place(FxBuildHasher, colliding_ids()) > 1 << 15,
            "they collide in the other hash"
        );
        assert!(most_in_one_place(Keyed::default(), colliding_ids()) < 1 << 6);
    }
}
