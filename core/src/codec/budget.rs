//! How much a message may ask of whoever decodes it.
//!
//! A few bytes can announce a value of 2^63 elements that cost nothing on the wire, or one that is nested so deeply
//! that building it overflows the stack, which no `catch_unwind` stops. A serializer that bounds bytes bounds
//! neither. So decoding goes through a [`Guarded`] deserializer, which counts both.

use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer};

use super::guarded::Guarded;

/// How deeply a value may be nested. Cap'n Proto has 64, too; the stack of a thread has room for many times that.
pub(super) const LEVELS: u8 = 64;

/// How many elements a message of this length may have: eight for each byte, for those that take no byte of their
/// own, and some for a short one.
pub(super) const fn elements(length: usize) -> usize {
    length.saturating_mul(8).saturating_add(1024)
}

/// A message asks for more than is spent on one of its length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
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
}

/// What is left for one message.
#[derive(Debug)]
pub(super) struct Budget {
    limit: usize,
    left: usize,
    exceeded: Option<OverBudget>,
}

impl Budget {
    #[inline]
    pub(super) fn of(length: usize) -> Self {
        let limit = elements(length);
        Self { limit, left: limit, exceeded: None }
    }

    /// What ended the decoding, if this budget did. A type that swallows the errors of its parts does not swallow it.
    #[inline]
    pub(super) fn exceeded(&self) -> Option<OverBudget> {
        self.exceeded
    }

    /// Pays for elements. The first of many fails when all of them were announced.
    #[inline]
    pub(super) fn pay<E: serde::de::Error>(&mut self, elements: usize) -> Result<(), E> {
        match self.left.checked_sub(elements) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => Err(self.fail(OverBudget::Elements { limit: self.limit })),
        }
    }

    /// Goes one level down, from where `levels` are left.
    #[inline]
    pub(super) fn descend<E: serde::de::Error>(&mut self, levels: u8) -> Result<u8, E> {
        match levels.checked_sub(1) {
            Some(levels) => Ok(levels),
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
pub(super) struct Within<'b, T> {
    budget: &'b mut Budget,
    value: PhantomData<T>,
}

impl<'b, T> Within<'b, T> {
    #[inline]
    pub(super) fn new(budget: &'b mut Budget) -> Self {
        Self { budget, value: PhantomData }
    }
}

impl<'de, T: Deserialize<'static>> DeserializeSeed<'de> for Within<'_, T> {
    type Value = T;

    #[inline]
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        T::deserialize(Guarded::new(deserializer, LEVELS, self.budget))
    }
}
