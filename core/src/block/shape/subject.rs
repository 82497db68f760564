//! A type that is looked at, and values of it, without their type: what looks at them is compiled
//! once and not once for each.

use std::any::type_name;

use serde::de::DeserializeSeed;
use serde::{Deserialize, Serialize};

use super::trace::At;
use super::tracer::Tracer;
use crate::wire::codec::{Budget, Reader, Unreadable, Unwritable, Within, Writer};

/// A value of some type.
pub(crate) trait Value {
    /// Writes it.
    fn write(&self, writer: &mut Writer<'_>) -> Result<(), Unwritable>;
}

impl<T: Serialize> Value for T {
    fn write(&self, writer: &mut Writer<'_>) -> Result<(), Unwritable> {
        self.serialize(writer)
    }
}

/// Is given a value, if one can be made or read.
type Inspect<'a> = &'a mut dyn FnMut(&dyn Value);

/// A type.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject {
    pub(crate) name: &'static str,
    make: fn(&mut Tracer, Inspect<'_>) -> bool,
    read: fn(&mut Reader<'_>, &mut Budget, Inspect<'_>) -> Result<(), Unreadable>,
}

impl Subject {
    pub(crate) fn of<T: Serialize + Deserialize<'static>>() -> Self {
        Self {
            name: type_name::<T>(),
            make: |tracer, inspect| T::deserialize(At(tracer)).map(|value| inspect(&value)).is_ok(),
            read: |reader, budget, inspect| {
                Within::<T>::new(budget).deserialize(reader).map(|value| inspect(&value))
            },
        }
    }

    /// Makes a value from nothing. Whether that succeeded.
    pub(super) fn make(&self, tracer: &mut Tracer, inspect: Inspect<'_>) -> bool {
        (self.make)(tracer, inspect)
    }

    /// Reads a value.
    pub(crate) fn read(
        &self,
        reader: &mut Reader<'_>,
        budget: &mut Budget,
        inspect: Inspect<'_>,
    ) -> Result<(), Unreadable> {
        (self.read)(reader, budget, inspect)
    }
}
