//! How many unnamed fields the types of a block have.
//!
//! A `skip_serializing_if` on an unnamed field makes a tuple struct or a tuple variant shorter, and says nothing else of
//! it: then no reader can tell which field is missing. So the lengths are learned from values that are known to come back as they were, and
//! whatever has another length is not written.

use super::fault::Unwritable;

/// The lengths of tuple structs and tuple variants.
#[derive(Clone, Debug, Default)]
pub(crate) struct TupleLengths(Vec<TupleLength>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct TupleLength {
    name: &'static str,
    /// Of an enum.
    variant: Option<&'static str>,
    length: usize,
}

/// What a writer does with lengths.
pub(super) enum Tuples<'l> {
    /// Nothing, because none are known.
    Unknown,
    /// Refuses others.
    Known(&'l TupleLengths),
    /// Learns them.
    Learn(&'l mut TupleLengths),
}

impl Tuples<'_> {
    #[inline]
    pub(super) fn see(
        &mut self,
        name: &'static str,
        variant: Option<&'static str>,
        length: usize,
    ) -> Result<(), Unwritable> {
        match self {
            Self::Unknown => Ok(()),
            Self::Known(known) => known.check(name, variant, length),
            Self::Learn(known) => {
                known.learn(TupleLength { name, variant, length });
                Ok(())
            }
        }
    }
}

impl TupleLengths {
    /// None are known.
    pub(crate) const fn new() -> Self {
        Self(Vec::new())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn learn(&mut self, seen: TupleLength) {
        if !self.0.contains(&seen) {
            self.0.push(seen);
        }
    }

    /// There may be several types of one name; a type that was never seen (in a variant that no made-up value had) is not known.
    fn check(
        &self,
        name: &'static str,
        variant: Option<&'static str>,
        length: usize,
    ) -> Result<(), Unwritable> {
        let mut expected = None;
        for known in &self.0 {
            if known.name == name && known.variant == variant {
                if known.length == length {
                    return Ok(());
                }
                expected = Some(known.length);
            }
        }
        match expected {
            None => Ok(()),
            Some(expected) => Err(Unwritable::TupleLength { name, expected, written: length }),
        }
    }
}
