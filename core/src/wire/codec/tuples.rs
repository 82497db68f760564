//! How many unnamed fields the types of a block have.
//!
//! A `skip_serializing_if` on an unnamed field makes a tuple struct or a tuple variant shorter,
//! and says nothing else of it: then no reader can tell which field is missing. So the lengths are
//! learned from values that are known to come back as they were, and whatever has another length
//! is not written.

use super::fault::{Unwritable, WriteFault};

/// The lengths of tuple structs and tuple variants.
#[derive(Debug, Default)]
pub(crate) struct TupleLengths(Vec<TupleLength>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct TupleLength {
    name: &'static str,
    /// Of an enum.
    variant: Option<&'static str>,
    length: usize,
}

impl TupleLengths {
    /// None are known.
    pub(crate) const fn new() -> Self {
        Self(Vec::new())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn learn(&mut self, name: &'static str, variant: Option<&'static str>, length: usize) {
        let seen = TupleLength { name, variant, length };
        if !self.0.contains(&seen) {
            self.0.push(seen);
        }
    }

    /// There may be several types of one name; a type that was never seen (in a variant that no
    /// made-up value had) is not known.
    #[cold]
    pub(super) fn check(
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
            Some(expected) => Err(WriteFault::TupleLength { name, expected, written: length }.into()),
        }
    }
}
