//! The deserializer that reads from nothing and notes what it is asked for.

use std::any::type_name;
use std::fmt;

use serde::de::IntoDeserializer;
use serde::de::value::U32Deserializer;
use serde::de::{
    self, DeserializeSeed, Deserializer, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor,
};

use super::dummy;
use super::place::{Form, Kind, Outline, Part};
use super::tracer::Tracer;
use crate::channel::receiver::RECEIVER;
use crate::channel::sender::SENDER;

/// A value cannot be made here. What is wrong does not matter, so nothing is said.
#[derive(Debug)]
pub(super) struct Fault;

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("this value cannot be made of dummies")
    }
}

impl std::error::Error for Fault {}

impl de::Error for Fault {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

/// The place at which a trace is.
pub(super) struct At<'t>(pub(super) &'t mut Tracer);

impl At<'_> {
    /// Makes a primitive of one of `count` dummies; of the next one if its type rejects this.
    fn primitive<V>(
        self,
        name: &'static str,
        kind: Kind,
        count: usize,
        make: impl FnOnce(usize) -> Result<V, Fault>,
    ) -> Result<V, Fault> {
        let Self(tracer) = self;
        tracer.spend()?;
        tracer.note(Part::Primitive(kind));
        let choice = tracer.dummy((name, kind), count);
        let made = make(choice);
        if made.is_err() {
            tracer.reject_dummy((name, kind), count);
            tracer.run.culprit.get_or_insert(name);
        }
        made
    }

    fn elements<'de, V: Visitor<'de>>(
        self,
        outline: Outline,
        count: usize,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let place = self.0.place(type_name::<V::Value>(), outline);
        self.0.within(place, 0, |tracer| visitor.visit_seq(Elements { tracer, left: count }))
    }

    /// A type that wants to see what comes says nothing of itself.
    fn wants_names<'de, V: Visitor<'de>>(self) -> Result<V::Value, Fault> {
        self.0.wants_names = true;
        self.0.run.culprit.get_or_insert(type_name::<V::Value>());
        Err(Fault)
    }
}

macro_rules! numbers {
    ($($method:ident $visit:ident $kind:ident $type:ty;)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
            self.primitive(type_name::<V::Value>(), Kind::$kind, dummy::NUMBERS.len(), |choice| {
                visitor.$visit(<$type>::from(dummy::NUMBERS[choice]))
            })
        }
    )*};
}

impl<'de> Deserializer<'de> for At<'_> {
    type Error = Fault;

    numbers! {
        deserialize_i16 visit_i16 I16 i16;
        deserialize_i32 visit_i32 I32 i32;
        deserialize_i64 visit_i64 I64 i64;
        deserialize_i128 visit_i128 I128 i128;
        deserialize_u8 visit_u8 U8 u8;
        deserialize_u16 visit_u16 U16 u16;
        deserialize_u32 visit_u32 U32 u32;
        deserialize_u64 visit_u64 U64 u64;
        deserialize_u128 visit_u128 U128 u128;
        deserialize_f32 visit_f32 F32 f32;
        deserialize_f64 visit_f64 F64 f64;
    }

    fn deserialize_i8<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        const NUMBERS: [i8; 3] = [0, 1, 2];
        self.primitive(type_name::<V::Value>(), Kind::I8, NUMBERS.len(), |choice| {
            visitor.visit_i8(NUMBERS[choice])
        })
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.primitive(type_name::<V::Value>(), Kind::Bool, 2, |choice| visitor.visit_bool(choice == 1))
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.primitive(type_name::<V::Value>(), Kind::Char, dummy::CHARS.len(), |choice| {
            visitor.visit_char(dummy::CHARS[choice])
        })
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.primitive(type_name::<V::Value>(), Kind::Text, dummy::TEXTS.len(), |choice| {
            visitor.visit_str(dummy::TEXTS[choice])
        })
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_str(visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.primitive(type_name::<V::Value>(), Kind::Bytes, dummy::LENGTHS.len(), |choice| {
            visitor.visit_bytes(dummy::bytes(choice))
        })
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_bytes(visitor)
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.primitive(type_name::<V::Value>(), Kind::Unit, 1, |_| visitor.visit_unit())
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Fault> {
        self.wants_names::<V>()
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Fault> {
        self.wants_names::<V>()
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Fault> {
        self.wants_names::<V>()
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let place = self.0.place(type_name::<V::Value>(), Outline::Option);
        match self.0.choose(place, false) {
            0 => self.0.within(place, 0, |tracer| visitor.visit_some(At(tracer))),
            _ => visitor.visit_none(),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let place = self.0.place(type_name::<V::Value>(), Outline::List);
        match self.0.choose(place, false) {
            0 => self.0.within(place, 0, |tracer| visitor.visit_seq(Elements { tracer, left: 1 })),
            _ => visitor.visit_seq(Elements { tracer: self.0, left: 0 }),
        }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let place = self.0.place(type_name::<V::Value>(), Outline::Map);
        match self.0.choose(place, false) {
            0 => self.0.within(place, 0, |tracer| visitor.visit_map(Elements { tracer, left: 1 })),
            _ => visitor.visit_map(Elements { tracer: self.0, left: 0 }),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Fault> {
        self.elements(Outline::Tuple("", len), len, visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.elements(Outline::Tuple(name, len), len, visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.elements(Outline::Struct(name, fields), fields.len(), visitor)
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.0.note(Part::Named(name));
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        if name == SENDER || name == RECEIVER {
            // Its number, and an item.
            self.0.has_ends = true;
            return self.elements(Outline::Tuple(name, 2), 2, visitor);
        }
        let place = self.0.place(type_name::<V::Value>(), Outline::Newtype(name));
        self.0.within(place, 0, |tracer| visitor.visit_newtype_struct(At(tracer)))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let place = self.0.place(type_name::<V::Value>(), Outline::Enum(name, variants));
        let variant = self.0.choose(place, true);
        self.0.within(place, variant, |tracer| visitor.visit_enum(Variant { tracer, number: variant }))
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}

/// The elements of a struct, a tuple or a list, or the entries of a map.
struct Elements<'t> {
    tracer: &'t mut Tracer,
    left: usize,
}

impl<'de> SeqAccess<'de> for Elements<'_> {
    type Error = Fault;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Fault> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        seed.deserialize(At(self.tracer)).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left)
    }
}

impl<'de> MapAccess<'de> for Elements<'_> {
    type Error = Fault;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Fault> {
        self.next_element_seed(seed)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Fault> {
        seed.deserialize(At(self.tracer))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left)
    }
}

/// One variant of an enum.
struct Variant<'t> {
    tracer: &'t mut Tracer,
    number: usize,
}

impl<'de> EnumAccess<'de> for Variant<'_> {
    type Error = Fault;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self), Fault> {
        let number = u32::try_from(self.number).map_err(|_| Fault)?;
        let number: U32Deserializer<Fault> = number.into_deserializer();
        match seed.deserialize(number) {
            Ok(variant) => Ok((variant, self)),
            // serde lists the other names of a variant as if they were variants, after the last
            // one.
            Err(fault) => {
                self.tracer.run.is_no_variant = true;
                Err(fault)
            }
        }
    }
}

impl<'de> VariantAccess<'de> for Variant<'_> {
    type Error = Fault;

    fn unit_variant(self) -> Result<(), Fault> {
        self.tracer.note(Part::Form(Form::Unit));
        Ok(())
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Fault> {
        self.tracer.note(Part::Form(Form::Newtype));
        seed.deserialize(At(self.tracer))
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Fault> {
        self.tracer.note(Part::Form(Form::Tuple(len)));
        visitor.visit_seq(Elements { tracer: self.tracer, left: len })
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.tracer.note(Part::Form(Form::Struct(fields)));
        visitor.visit_seq(Elements { tracer: self.tracer, left: fields.len() })
    }
}
