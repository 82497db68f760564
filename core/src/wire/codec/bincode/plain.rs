//! Sequences whose elements have the same size on the wire as in memory: bytes, booleans and
//! floats.
//!
//! serde hands out the elements of a sequence one by one, whatever they are. A serializer sees the
//! whole iterator, though (`collect_seq`), and a deserializer sees the visitor that asks. So both
//! ends can tell, without a word from the user, and take all elements in one loop that the
//! compiler turns into a copy. The bytes on the wire are the same either way.

use std::any::type_name;
use std::fmt;

use castaway::cast;
use serde::Serialize;
use serde::de::{self, Deserialize, DeserializeSeed, Visitor};
use serde::ser::{self, Impossible};

use crate::util::bulk_copy::copied;
use crate::wire::codec::budget::{Budget, Within};

/// How many bytes each element takes, where all of them take the same.
pub(in crate::wire::codec) fn width<Element>() -> Option<usize> {
    // No type of a user's has such a name.
    match type_name::<Element>() {
        "&u8" | "&i8" | "&bool" => Some(1),
        "&f32" => Some(4),
        "&f64" => Some(8),
        _ => None,
    }
}

/// So many elements are put together before they are appended: what they are appended to is
/// written once, and not filled with zeros before. A larger block would be as much faster for long
/// sequences as it is slower for short ones.
const BLOCK: usize = 128;

/// Appends elements of a width of `N` bytes, of which there are `count`.
pub(in crate::wire::codec) fn append<const N: usize, I>(
    out: &mut Vec<u8>,
    count: usize,
    elements: I,
) -> Result<(), NotPlain>
where
    I: Iterator<Item: Serialize>,
{
    let end = out.len() + count * N;
    out.reserve(count * N);
    let mut result = Ok(());
    let mut elements = elements.take(count).map(|element| {
        element.serialize(Plain::<N>).unwrap_or_else(|error| {
            result = Err(error);
            [0; N]
        })
    });
    if N == 1 {
        // The compiler makes this a copy, and none of what is below.
        out.extend(elements.map(|bytes| bytes[0]));
    } else {
        let mut block = [[0; N]; BLOCK];
        loop {
            let mut filled = 0;
            for (place, bytes) in block.iter_mut().zip(&mut elements) {
                *place = bytes;
                filled += 1;
            }
            out.extend_from_slice(block[..filled].as_flattened());
            if filled < BLOCK {
                break;
            }
        }
    }
    // As many as were announced, whatever the iterator had.
    out.resize(end, 0);
    result
}

/// A serializer whose output is `N` bytes, if the value is a primitive of that width.
struct Plain<const N: usize>;

/// The value is not what its type was taken for.
#[derive(Debug, thiserror::Error)]
#[error("an element is no primitive")]
pub(in crate::wire::codec) struct NotPlain;

impl ser::Error for NotPlain {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

fn exactly<const N: usize>(bytes: &[u8]) -> Result<[u8; N], NotPlain> {
    bytes.try_into().map_err(|_| NotPlain)
}

macro_rules! primitives {
    ($($method:ident: $type:ty => $bytes:expr;)*) => {
        $(
            #[inline]
            fn $method(self, value: $type) -> Result<[u8; N], NotPlain> {
                let bytes: fn($type) -> _ = $bytes;
                exactly(&bytes(value))
            }
        )*
    };
}

macro_rules! not_plain {
    ($($method:ident($($type:ty),*) -> $ok:ty;)*) => {
        $(
            fn $method(self, $(_: $type),*) -> Result<$ok, NotPlain> {
                Err(NotPlain)
            }
        )*
    };
}

impl<const N: usize> ser::Serializer for Plain<N> {
    type Ok = [u8; N];
    type Error = NotPlain;
    type SerializeSeq = Impossible<[u8; N], NotPlain>;
    type SerializeTuple = Impossible<[u8; N], NotPlain>;
    type SerializeTupleStruct = Impossible<[u8; N], NotPlain>;
    type SerializeTupleVariant = Impossible<[u8; N], NotPlain>;
    type SerializeMap = Impossible<[u8; N], NotPlain>;
    type SerializeStruct = Impossible<[u8; N], NotPlain>;
    type SerializeStructVariant = Impossible<[u8; N], NotPlain>;

    primitives! {
        serialize_u8: u8 => |value| [value];
        serialize_i8: i8 => |value| value.to_le_bytes();
        serialize_bool: bool => |value| [u8::from(value)];
        serialize_f32: f32 => |value| value.to_le_bytes();
        serialize_f64: f64 => |value| value.to_le_bytes();
    }

    not_plain! {
        serialize_i16(i16) -> [u8; N];
        serialize_i32(i32) -> [u8; N];
        serialize_i64(i64) -> [u8; N];
        serialize_u16(u16) -> [u8; N];
        serialize_u32(u32) -> [u8; N];
        serialize_u64(u64) -> [u8; N];
        serialize_char(char) -> [u8; N];
        serialize_str(&str) -> [u8; N];
        serialize_bytes(&[u8]) -> [u8; N];
        serialize_none() -> [u8; N];
        serialize_unit() -> [u8; N];
        serialize_unit_struct(&'static str) -> [u8; N];
        serialize_unit_variant(&'static str, u32, &'static str) -> [u8; N];
        serialize_seq(Option<usize>) -> Self::SerializeSeq;
        serialize_tuple(usize) -> Self::SerializeTuple;
        serialize_tuple_struct(&'static str, usize) -> Self::SerializeTupleStruct;
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> Self::SerializeTupleVariant;
        serialize_map(Option<usize>) -> Self::SerializeMap;
        serialize_struct(&'static str, usize) -> Self::SerializeStruct;
        serialize_struct_variant(&'static str, u32, &'static str, usize) -> Self::SerializeStructVariant;
    }

    fn serialize_some<T: Serialize + ?Sized>(self, _: &T) -> Result<[u8; N], NotPlain> {
        Err(NotPlain)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: &T,
    ) -> Result<[u8; N], NotPlain> {
        Err(NotPlain)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<[u8; N], NotPlain> {
        Err(NotPlain)
    }
}

/// Reads the whole sequence that `V` asks for, if it is a plain one and `V` does with its elements
/// what serde's `Vec` does: keep them. `take` gives the bytes of as many elements of this width as
/// were announced.
pub(in crate::wire::codec) fn whole<'de, V: Visitor<'de>, E>(
    take: impl FnOnce(usize) -> Result<&'de [u8], E>,
) -> Result<Option<V::Value>, E> {
    let mut value: Option<V::Value> = None;
    // Many visitors make a `Vec<u8>`, and some of something else. Only serde's own is taken at its
    // word.
    if let Ok(value) = cast!(&mut value, &mut Option<Vec<u8>>) {
        if is_of_vec::<V, u8>() {
            *value = Some(copied(take(1)?));
        }
    } else if let Ok(value) = cast!(&mut value, &mut Option<Vec<i8>>) {
        if is_of_vec::<V, i8>() {
            *value = Some(take(1)?.iter().map(|byte| i8::from_le_bytes([*byte])).collect());
        }
    } else if let Ok(value) = cast!(&mut value, &mut Option<Vec<f64>>) {
        if is_of_vec::<V, f64>() {
            let (floats, _) = take(8)?.as_chunks();
            *value = Some(floats.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect());
        }
    } else if let Ok(value) = cast!(&mut value, &mut Option<Vec<f32>>)
        && is_of_vec::<V, f32>()
    {
        let (floats, _) = take(4)?.as_chunks();
        *value = Some(floats.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect());
    }
    Ok(value)
}

/// Whether `V` is the visitor of serde's `Vec<T>`. It has no public name, so it is asked for here
/// in the same way.
fn is_of_vec<V, T: for<'de> Deserialize<'de>>() -> bool {
    let asked = Within::<Vec<T>>::new(&mut Budget::of(0, 0, 0)).deserialize(WhoAsks);
    asked.is_err_and(|Visited(name)| name == type_name::<V>())
}

/// A deserializer that reads nothing, and fails with the name of the visitor that a sequence is
/// asked for by.
struct WhoAsks;

/// The name of a visitor.
#[derive(Debug, thiserror::Error)]
#[error("visited by {0}")]
struct Visited(&'static str);

impl de::Error for Visited {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self("")
    }
}

impl<'de> de::Deserializer<'de> for WhoAsks {
    type Error = Visited;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Visited> {
        Err(Visited(""))
    }

    #[inline]
    fn deserialize_seq<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Visited> {
        Err(Visited(type_name::<V>()))
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct tuple tuple_struct map struct enum identifier ignored_any
    }
}
