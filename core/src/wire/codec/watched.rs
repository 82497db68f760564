//! The visitors of a [`Guarded`] deserializer, and the accesses that they are given.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, EnumAccess, Error, MapAccess, SeqAccess, VariantAccess,
    Visitor,
};

use super::budget::{self, Budget, Place};
use super::guarded::{Guarded, GuardedSeed};
use crate::util::bulk_copy::{copied, copied_text};

/// A visitor whose parts are counted.
///
/// `COUNTED` is whether the message says how many parts a sequence or a map has, and not their
/// type.
pub(super) struct Watched<'b, V, const COUNTED: bool> {
    inner: V,
    place: Place,
    budget: &'b mut Budget,
}

impl<'b, V, const COUNTED: bool> Watched<'b, V, COUNTED> {
    #[inline]
    pub(super) fn new(inner: V, place: Place, budget: &'b mut Budget) -> Self {
        Self { inner, place, budget }
    }

    /// The access to parts, after what was announced of them is paid for.
    #[inline]
    fn access<'de, A, E: Error>(
        self,
        inner: A,
        announced: Option<usize>,
        weight: usize,
    ) -> Result<(V, Parts<'b, 'de, A, COUNTED>), E>
    where
        V: Visitor<'static>,
    {
        let Self { inner: visitor, mut place, budget } = self;
        let mut prepaid = usize::MAX;
        if COUNTED {
            place = budget.descend::<V::Value, E>(place)?;
            prepaid = announced.unwrap_or(0);
            budget.pay_elements(prepaid)?;
            // The sequence itself, and the places of its elements where those have to be found.
            budget.pay_steps(1 + prepaid * (weight - 1))?;
        }
        Ok((visitor, Parts { inner, place, budget, prepaid, weight, source: PhantomData }))
    }
}

macro_rules! plain {
    ($($method:ident: $type:ty)*) => {
        $(
            #[inline]
            fn $method<E: Error>(self, value: $type) -> Result<V::Value, E> {
                self.inner.$method(value)
            }
        )*
    };
}

/// The same of what usually has to be allocated.
macro_rules! texts {
    ($($method:ident: $type:ty)*) => {
        $(
            #[inline]
            fn $method<E: Error>(self, value: $type) -> Result<V::Value, E> {
                if COUNTED {
                    self.budget.pay_steps(1)?;
                }
                self.inner.$method(value)
            }
        )*
    };
}

impl<'de, V: Visitor<'static>, const COUNTED: bool> Visitor<'de> for Watched<'_, V, COUNTED> {
    type Value = V::Value;

    plain! {
        visit_bool: bool
        visit_i8: i8 visit_i16: i16 visit_i32: i32 visit_i64: i64 visit_i128: i128
        visit_u8: u8 visit_u16: u16 visit_u32: u32 visit_u64: u64 visit_u128: u128
        visit_f32: f32 visit_f64: f64 visit_char: char
    }

    texts! {
        visit_str: &str visit_string: String
        visit_bytes: &[u8] visit_byte_buf: Vec<u8>
    }

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.expecting(f)
    }

    #[inline]
    fn visit_none<E: Error>(self) -> Result<V::Value, E> {
        self.budget.pay_choice::<V::Value, E>(self.place)?;
        self.inner.visit_none()
    }

    #[inline]
    fn visit_unit<E: Error>(self) -> Result<V::Value, E> {
        self.inner.visit_unit()
    }

    #[inline]
    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<V::Value, D::Error> {
        let place = self.budget.pay_choice::<V::Value, D::Error>(self.place)?;
        let place = self.budget.descend::<V::Value, D::Error>(place)?;
        self.inner.visit_some(Guarded::new(deserializer, place, self.budget))
    }

    #[inline]
    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<V::Value, D::Error> {
        self.inner.visit_newtype_struct(Guarded::new(deserializer, self.place, self.budget))
    }

    #[inline]
    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<V::Value, A::Error> {
        let announced = seq.size_hint();
        let weight = if COUNTED { budget::weight::<V::Value>() } else { 1 };
        let (visitor, parts) = self.access(seq, announced, weight)?;
        visitor.visit_seq(parts)
    }

    #[inline]
    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<V::Value, A::Error> {
        let announced = map.size_hint();
        let weight = if COUNTED { self.budget.pay_map::<V::Value, A::Error>()? } else { 1 };
        let (visitor, parts) = self.access(map, announced, weight)?;
        visitor.visit_map(parts)
    }

    #[inline]
    fn visit_enum<A: EnumAccess<'de>>(self, data: A) -> Result<V::Value, A::Error> {
        let place = self.budget.pay_choice::<V::Value, A::Error>(self.place)?;
        let place = self.budget.descend::<V::Value, A::Error>(place)?;
        let (budget, source) = (self.budget, PhantomData);
        self.inner.visit_enum(Parts::<_, false> { inner: data, place, budget, prepaid: 0, weight: 1, source })
    }
}

/// The parts of a sequence, a map or an enum.
pub(super) struct Parts<'b, 'de, A, const COUNTED: bool> {
    inner: A,
    place: Place,
    budget: &'b mut Budget,
    /// How many more elements are paid for; those of a struct or a tuple are free.
    prepaid: usize,
    /// How many times the memory of an element counts.
    weight: usize,
    source: PhantomData<&'de ()>,
}

impl<A, const COUNTED: bool> Parts<'_, '_, A, COUNTED> {
    /// Pays for an element that was not announced, which some formats have.
    #[inline]
    fn pay_for_one<E: Error>(&mut self) -> Result<(), E> {
        if !COUNTED {
            return Ok(());
        }
        match self.prepaid.checked_sub(1) {
            Some(prepaid) => {
                self.prepaid = prepaid;
                Ok(())
            }
            None => {
                self.budget.pay_elements(1)?;
                self.budget.pay_steps(self.weight - 1)
            }
        }
    }

    /// Pays for the memory of an element, or of one half of a map's.
    #[inline]
    fn pay_memory<T, E: Error>(&mut self) -> Result<(), E> {
        if !COUNTED {
            return Ok(());
        }
        self.budget.pay_owner::<T, E>()?;
        self.budget.pay_memory::<T, E>(self.weight)
    }

    #[inline]
    fn seed<S: DeserializeSeed<'static>>(&mut self, seed: S) -> (&mut A, GuardedSeed<'_, S>) {
        let place = if COUNTED { self.place.element::<S::Value>() } else { self.place };
        (&mut self.inner, GuardedSeed::new(seed, place, self.budget))
    }

    /// Prevents an allocation for more elements than there can be.
    #[inline]
    fn clamp(&self, hint: Option<usize>) -> Option<usize> {
        hint.map(|hint| hint.min(self.prepaid))
    }
}

impl<'de, A: SeqAccess<'de>, const COUNTED: bool> SeqAccess<'static> for Parts<'_, 'de, A, COUNTED> {
    type Error = A::Error;

    #[inline(always)]
    fn next_element_seed<S: DeserializeSeed<'static>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, A::Error> {
        let (access, seed) = self.seed(seed);
        let element = access.next_element_seed(seed)?;
        if element.is_some() {
            self.pay_for_one()?;
            self.pay_memory::<S::Value, _>()?;
        } else if COUNTED {
            self.budget.pay_end::<S::Value, _>()?;
        }
        Ok(element)
    }

    /// serde's own is not always inlined, which costs a call for each element of an array.
    #[inline(always)]
    fn next_element<T: Deserialize<'static>>(&mut self) -> Result<Option<T>, A::Error> {
        self.next_element_seed(PhantomData)
    }

    #[inline]
    fn size_hint(&self) -> Option<usize> {
        self.clamp(self.inner.size_hint())
    }
}

impl<'de, A: MapAccess<'de>, const COUNTED: bool> MapAccess<'static> for Parts<'_, 'de, A, COUNTED> {
    type Error = A::Error;

    #[inline]
    fn next_key_seed<S: DeserializeSeed<'static>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        let (access, seed) = self.seed(seed);
        let key = access.next_key_seed(seed)?;
        if key.is_some() {
            self.pay_for_one()?;
            self.pay_memory::<S::Value, _>()?;
        }
        Ok(key)
    }

    #[inline]
    fn next_value_seed<S: DeserializeSeed<'static>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        let (access, seed) = self.seed(seed);
        let value = access.next_value_seed(seed)?;
        self.pay_memory::<S::Value, _>()?;
        Ok(value)
    }

    #[inline]
    fn size_hint(&self) -> Option<usize> {
        self.clamp(self.inner.size_hint())
    }
}

impl<'de, 'b, A: EnumAccess<'de>> EnumAccess<'static> for Parts<'b, 'de, A, false> {
    type Error = A::Error;
    type Variant = Parts<'b, 'de, A::Variant, false>;

    #[inline]
    fn variant_seed<S: DeserializeSeed<'static>>(
        self,
        seed: S,
    ) -> Result<(S::Value, Self::Variant), A::Error> {
        let Self { inner, place, budget, prepaid, weight, source } = self;
        // The variant's own name or number has no parts, and costs nothing.
        let (variant, inner) = inner.variant_seed(GuardedSeed::new(seed, place, &mut *budget))?;
        Ok((variant, Parts { inner, place, budget, prepaid, weight, source }))
    }
}

impl<'de, A: VariantAccess<'de>> VariantAccess<'static> for Parts<'_, 'de, A, false> {
    type Error = A::Error;

    #[inline]
    fn unit_variant(self) -> Result<(), A::Error> {
        self.inner.unit_variant()
    }

    #[inline]
    fn newtype_variant_seed<S: DeserializeSeed<'static>>(self, seed: S) -> Result<S::Value, A::Error> {
        self.inner.newtype_variant_seed(GuardedSeed::new(seed, self.place, self.budget))
    }

    #[inline]
    fn tuple_variant<V: Visitor<'static>>(self, len: usize, visitor: V) -> Result<V::Value, A::Error> {
        self.inner.tuple_variant(len, Watched::<_, false>::new(visitor, self.place, self.budget))
    }

    #[inline]
    fn struct_variant<V: Visitor<'static>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, A::Error> {
        self.inner.struct_variant(fields, Watched::<_, false>::new(visitor, self.place, self.budget))
    }
}

/// A visitor that asked for an owned text, and gets what is owned only once it is known to be
/// there.
pub(super) struct OwnedStr<V>(pub(super) V);

/// The same for bytes.
pub(super) struct OwnedBytes<V>(pub(super) V);

impl<V: Visitor<'static>> Visitor<'static> for OwnedStr<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(f)
    }

    #[inline]
    fn visit_str<E: Error>(self, value: &str) -> Result<V::Value, E> {
        self.0.visit_string(copied_text(value))
    }

    #[inline]
    fn visit_string<E: Error>(self, value: String) -> Result<V::Value, E> {
        self.0.visit_string(value)
    }
}

impl<V: Visitor<'static>> Visitor<'static> for OwnedBytes<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(f)
    }

    #[inline]
    fn visit_bytes<E: Error>(self, value: &[u8]) -> Result<V::Value, E> {
        self.0.visit_byte_buf(copied(value))
    }

    #[inline]
    fn visit_byte_buf<E: Error>(self, value: Vec<u8>) -> Result<V::Value, E> {
        self.0.visit_byte_buf(value)
    }

    // A text format has no bytes, and writes them as a sequence of numbers.
    #[inline]
    fn visit_seq<A: SeqAccess<'static>>(self, seq: A) -> Result<V::Value, A::Error> {
        self.0.visit_seq(seq)
    }
}
