//! What has parts, while they are written: sequences, maps, structs, tuples and variants.

use serde::Serialize;
use serde::ser;

use super::Writer;
use crate::wire::codec::fault::{Unwritable, WriteFault};
use crate::wire::codec::format::Mark;

/// The parts of everything that has some: in bincode one after the other, with nothing between
/// them.
pub(crate) struct Parts<'w, 'l, const SWITCHES: bool> {
    pub(super) writer: &'w mut Writer<'l, SWITCHES>,
    /// How many are still to come, in a format where that was said before; else [`UNCOUNTED`].
    pub(super) left: usize,
}

/// The number of parts where it was not said before them.
pub(super) const UNCOUNTED: usize = usize::MAX;

impl<const SWITCHES: bool> Parts<'_, '_, SWITCHES> {
    #[inline(always)]
    pub(super) fn part<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unwritable> {
        if !self.writer.is_bincode() {
            self.count()?;
        }
        value.serialize(&mut *self.writer)
    }

    #[inline]
    fn named<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Unwritable> {
        if !self.writer.is_bincode() {
            self.count()?;
            self.name(name);
        }
        value.serialize(&mut *self.writer)
    }

    #[cold]
    #[inline(never)]
    fn count(&mut self) -> Result<(), Unwritable> {
        match self.left {
            UNCOUNTED => {}
            0 => return Err(WriteFault::Count.into()),
            left => self.left = left - 1,
        }
        Ok(())
    }

    #[cold]
    #[inline(never)]
    fn name(&mut self, name: &'static str) {
        if self.writer.format.is_named() {
            self.writer.cbor(|out| out.str(name).map(drop));
        }
    }

    /// A field that is left out: only a format with names can do without it.
    #[inline]
    fn left_out(&self, name: &'static str) -> Result<(), Unwritable> {
        if SWITCHES && self.writer.format.is_named() { Ok(()) } else { Err(WriteFault::LeftOut(name).into()) }
    }

    #[inline]
    pub(super) fn finish(self) -> Result<(), Unwritable> {
        if self.writer.is_bincode() { Ok(()) } else { self.other_finish() }
    }

    #[cold]
    #[inline(never)]
    fn other_finish(self) -> Result<(), Unwritable> {
        let Self { writer, left } = self;
        match (writer.format.is_named(), left) {
            (false, 0 | UNCOUNTED) => writer.mark(Mark::End),
            (true, UNCOUNTED) => writer.cbor(|out| out.end().map(drop)),
            (true, 0) => {}
            _ => return Err(WriteFault::Count.into()),
        }
        Ok(())
    }
}

macro_rules! parts {
    ($($trait:ident: $method:ident $(($key:ident))?;)*) => {
        $(
            impl<const SWITCHES: bool> ser::$trait for Parts<'_, '_, SWITCHES> {
                type Ok = ();
                type Error = Unwritable;

                parts!(one $method $($key)?);

                #[inline]
                fn end(self) -> Result<(), Unwritable> {
                    self.finish()
                }
            }
        )*
    };
    (one $method:ident named) => {
        #[inline]
        fn $method<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Unwritable> {
            self.named(name, value)
        }

        #[inline]
        fn skip_field(&mut self, name: &'static str) -> Result<(), Unwritable> {
            self.left_out(name)
        }
    };
    (one $method:ident) => {
        #[inline]
        fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unwritable> {
            self.part(value)
        }
    };
}

parts! {
    SerializeSeq: serialize_element;
    SerializeTuple: serialize_element;
    SerializeTupleStruct: serialize_field;
    SerializeTupleVariant: serialize_field;
    SerializeStruct: serialize_field(named);
    SerializeStructVariant: serialize_field(named);
}

impl<const SWITCHES: bool> ser::SerializeMap for Parts<'_, '_, SWITCHES> {
    type Ok = ();
    type Error = Unwritable;

    #[inline]
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Unwritable> {
        self.part(key)
    }

    #[inline]
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unwritable> {
        value.serialize(&mut *self.writer)
    }

    #[inline]
    fn end(self) -> Result<(), Unwritable> {
        self.finish()
    }
}
