//! How much a message may cost the peer that decodes it.
//!
//! A few bytes can announce a value of 2^63 elements that cost nothing on the wire, one whose
//! elements take a byte on the wire and kilobytes in memory, or one that is nested so deeply that
//! building it overflows the stack, which no `catch_unwind` stops. A serializer bounds none of
//! these. So decoding goes through a [`Guarded`] deserializer, which counts all three.

use std::marker::PhantomData;
use std::mem::needs_drop;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer};

use super::guarded::Guarded;

text_is_debug!(OverBudget);

/// How deeply a value may be nested. Cap'n Proto has 64, too; the stack of a thread has room for
/// many times that.
pub(super) const LEVELS: u8 = 64;

/// How many levels a value of this size is. A level takes several times its size of the stack, so
/// one of many KiB is more than one; but four of any size have room.
const fn levels(size: usize) -> u8 {
    if size < LARGE << 10 { 1 + (size >> 10) as u8 } else { LARGE as u8 }
}

/// The most levels that one value is, and its KiB from which on it is.
const LARGE: usize = 16;

/// How many elements a message of this length may have: one for each byte, and some for those that
/// take no byte of their own.
pub(super) const fn elements(length: usize) -> usize {
    length.saturating_add(1024)
}

/// How much memory the value of a message of this length may take: `ratio` bytes for each byte of
/// the message, and `spare` bytes for types that are large and mostly absent.
pub(super) const fn memory(length: usize, ratio: usize, spare: usize) -> usize {
    length.saturating_mul(ratio).saturating_add(spare)
}

/// In bincode the plain types need at most 24 bytes for one on the wire: an empty `String`.
pub(super) const RATIO: usize = 24;

/// In CBOR a byte may be a number, which takes 32 bytes in what holds any value, as
/// `serde_json::Value` and serde's own buffer do.
pub(super) const RATIO_NAMED: usize = 40;

/// The default of the spare memory:
/// [`Limits::max_decode_memory`](crate::Limits::max_decode_memory).
pub(crate) const SPARE: usize = 8 << 20;

/// How many times an entry of a map, a set or a heap counts. It is hashed or compared, which takes
/// longer than to put it beside the one before. The entries of an honest map or set differ, so
/// many of them are several bytes each on the wire.
const KEYED: usize = 3;

/// What the end of a sequence counts: a part of an element. A reader makes room for one on its
/// stack before it sees the end.
const END: usize = 16;

/// How many times the elements of a `Collection` count that is read from a sequence. Sets and
/// heaps are sequences to serde, and are recognised by their names, as those of the standard
/// library and of most others have one that ends so.
#[inline]
pub(super) fn weight<Collection>() -> usize {
    let name = std::any::type_name::<Collection>();
    // The usual one is soon told.
    if name.starts_with("alloc::vec::Vec<") {
        return 1;
    }
    let name = name.split_once('<').map_or(name, |(name, _)| name);
    if name.ends_with("Set") || name.ends_with("Heap") { KEYED } else { 1 }
}

/// A message up to this length may have as many slow parts as it can. Those of a longer one take
/// the thread no longer than that.
const FAST: usize = 1 << 20;

/// How many slow parts there are at most for each byte of a message that is no attack: an entry of
/// a map with two empty texts is two bytes, and the entry, the two texts and both their owners.
const STEPS: usize = 3;

/// The number of bytes of [`Limits::max_decode_memory`](crate::Limits::max_decode_memory) that
/// allow one more slow part.
const SPARE_PER_STEP: usize = 16;

/// How many slow parts the value of a message of this length may have: texts, sequences and maps,
/// elements that own memory, and places in maps and sets. Each takes some 10 to 50 ns to make and
/// to drop. A number takes one, so there may be as many as fit.
pub(super) const fn steps(length: usize, spare: usize) -> usize {
    let length = if length < FAST { length } else { FAST };
    STEPS * elements(length) + spare / SPARE_PER_STEP
}

/// A message asks for more than is spent on one of its length.
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(not(target_family = "wasm"), derive(Debug))]
#[non_exhaustive]
pub enum OverBudget {
    /// It is nested too deeply.
    #[error("it is nested more than {limit} levels deep")]
    Depth {
        /// The most that is allowed.
        limit: u8,
    },
    /// Its sequences and maps have too many elements.
    #[error("its sequences and maps have more than {limit} elements")]
    Elements {
        /// The most that is allowed for its length.
        limit: usize,
    },
    /// Its value takes too long to read.
    #[error(
        "it has more than {limit} texts, sequences, maps, and elements that own memory; send it in several calls, or raise \
         `Limits::max_decode_memory` of the peer that reads it by {SPARE_PER_STEP} bytes for each of them"
    )]
    Steps {
        /// The most that is allowed for its length.
        limit: usize,
    },
    /// Its value takes too much memory.
    #[error(
        "its value takes more than {limit} bytes of memory; where that is not an attack, `Box` the large parts of its type \
         that are mostly absent"
    )]
    Memory {
        /// The most that is allowed for its length, in bytes.
        limit: usize,
    },
}

/// Where in the value its reader is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    levels: u8,
    /// The size of the value that was paid for last and that holds what is read now. What is
    /// larger cannot be a part of it, so it has memory of its own.
    paid: usize,
}

impl Place {
    pub(super) const TOP: Self = Self { levels: LEVELS, paid: 0 };

    /// Inside an element of type `T`, which the sequence or the map pays for.
    #[inline]
    pub(super) const fn element<T>(self) -> Self {
        Self { paid: size_of::<T>(), ..self }
    }
}

/// What is left for one message.
#[derive(Debug)]
pub(crate) struct Budget {
    length: usize,
    ratio: usize,
    spare: usize,
    elements: usize,
    steps: usize,
    memory: usize,
    exceeded: Option<OverBudget>,
}

impl Budget {
    #[inline]
    pub(super) fn of(length: usize, ratio: usize, spare: usize) -> Self {
        let (elements, steps) = (elements(length), steps(length, spare));
        let memory = memory(length, ratio, spare);
        Self { length, ratio, spare, elements, steps, memory, exceeded: None }
    }

    /// What ended the decoding, if this budget did. A type that swallows the errors of its parts
    /// does not swallow it.
    #[inline]
    pub(super) fn exceeded(&self) -> Option<OverBudget> {
        self.exceeded
    }

    /// How many bytes of memory were paid for.
    #[inline]
    pub(super) fn paid(&self) -> usize {
        memory(self.length, self.ratio, self.spare) - self.memory
    }

    /// Pays for the number of elements. The first of many fails when all of them were announced.
    #[inline]
    pub(super) fn pay_elements<E: serde::de::Error>(&mut self, count: usize) -> Result<(), E> {
        match self.elements.checked_sub(count) {
            Some(left) => {
                self.elements = left;
                Ok(())
            }
            None => Err(self.fail(OverBudget::Elements { limit: elements(self.length) })),
        }
    }

    /// Pays for slow parts.
    #[inline]
    pub(super) fn pay_steps<E: serde::de::Error>(&mut self, count: usize) -> Result<(), E> {
        match self.steps.checked_sub(count) {
            Some(left) => {
                self.steps = left;
                Ok(())
            }
            None => Err(self.fail(OverBudget::Steps { limit: steps(self.length, self.spare) })),
        }
    }

    /// Pays for an element that may own memory.
    #[inline]
    pub(super) fn pay_owner<T, E: serde::de::Error>(&mut self) -> Result<(), E> {
        if needs_drop::<T>() { self.pay_steps(1) } else { Ok(()) }
    }

    /// Pays for the memory of one `T`, so many times.
    #[inline]
    pub(super) fn pay_memory<T, E: serde::de::Error>(&mut self, times: usize) -> Result<(), E> {
        self.pay(times * size_of::<T>())
    }

    /// Pays for the end of a sequence of `T`s.
    #[inline]
    pub(super) fn pay_end<T, E: serde::de::Error>(&mut self) -> Result<(), E> {
        self.pay(size_of::<T>() / END)
    }

    /// Pays for a map, before its entries.
    #[inline]
    pub(super) fn pay_map<T, E: serde::de::Error>(&mut self) -> Result<usize, E> {
        self.pay_memory::<T, E>(1).map(|()| KEYED)
    }

    #[inline]
    fn pay<E: serde::de::Error>(&mut self, bytes: usize) -> Result<(), E> {
        match self.memory.checked_sub(bytes) {
            Some(left) => {
                self.memory = left;
                Ok(())
            }
            None => Err(self.fail(OverBudget::Memory { limit: memory(self.length, self.ratio, self.spare) })),
        }
    }

    /// Pays for a `T` of which the message chooses one of several forms: an enum or an option. Its
    /// other parts are at most as large in memory as a sequence of the same bytes, but a form
    /// may be small on the wire and is as large as the largest in memory. What it contains is
    /// smaller than it, or has memory of its own.
    #[inline]
    pub(super) fn pay_choice<T, E: serde::de::Error>(&mut self, place: Place) -> Result<Place, E> {
        if size_of::<T>() > place.paid {
            self.pay_steps(1)?;
            self.pay_memory::<T, E>(1)?;
        }
        Ok(Place { paid: size_of::<T>().saturating_sub(1), ..place })
    }

    /// Goes one level down, into a `T`.
    #[inline]
    pub(super) fn descend<T, E: serde::de::Error>(&mut self, place: Place) -> Result<Place, E> {
        match place.levels.checked_sub(const { levels(size_of::<T>()) }) {
            Some(levels) => Ok(Place { levels, ..place }),
            None => Err(self.fail(OverBudget::Depth { limit: LEVELS })),
        }
    }

    /// Kept here as well, because a serializer's error keeps nothing but its text.
    #[cold]
    fn fail<E: serde::de::Error>(&mut self, over: OverBudget) -> E {
        self.exceeded.get_or_insert(over);
        E::custom(over)
    }
}

/// Reads a `T` within a budget.
pub(crate) struct Within<'b, T> {
    budget: &'b mut Budget,
    value: PhantomData<T>,
}

impl<'b, T> Within<'b, T> {
    #[inline]
    pub(crate) fn new(budget: &'b mut Budget) -> Self {
        Self { budget, value: PhantomData }
    }
}

impl<'de, T: Deserialize<'static>> DeserializeSeed<'de> for Within<'_, T> {
    type Value = T;

    #[inline]
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        T::deserialize(Guarded::new(deserializer, Place::TOP, self.budget))
    }
}
