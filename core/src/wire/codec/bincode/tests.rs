//! That the bytes are bincode's, and that what is taken at once is what would have come one by
//! one.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::fmt::Debug;

use proptest::prelude::*;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::*;
use crate::wire::codec::Codec;

/// Our bytes are bincode's, each side reads the other's, and cut short they are an error on both.
#[track_caller]
fn agrees<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T) {
    let ours = Codec::Bincode.encode(0, value).unwrap();
    let theirs = bincode::serde::encode_to_vec(value, CONFIGURATION).unwrap();
    assert_eq!(ours, theirs);
    assert_eq!(&Codec::Bincode.decode::<T>(&theirs).unwrap(), value);
    for end in [0, 1, theirs.len() / 2, theirs.len().saturating_sub(1)] {
        let cut = &theirs[..end.min(theirs.len())];
        let expected = bincode::serde::decode_from_slice::<T, _>(cut, CONFIGURATION)
            .is_ok_and(|(_, read)| read == cut.len());
        assert_eq!(Codec::Bincode.decode::<T>(cut).is_ok(), expected);
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Kind {
    Unit,
    New(Vec<u8>),
    Tuple(i16, Option<Vec<f32>>),
    Struct { map: BTreeMap<String, Vec<f64>>, flag: bool },
}

#[test]
fn sequences_of_plain_elements_are_bincodes_wherever_they_stand() {
    agrees(&vec![0u8, 1, 255]);
    agrees(&vec![0i8, -1, -128]);
    agrees(&vec![true, false]);
    agrees(&vec![0.5f32, -0.0, f32::INFINITY]);
    agrees(&vec![0.5f64, -0.0, f64::MIN]);
    agrees(&(Vec::<u8>::new(), Vec::<f64>::new(), 7u8));
    agrees(&vec![vec![1u8, 2], Vec::new(), vec![3; 300]]);
    agrees(&(vec![7u8; 100_000], vec![1.5f64; 70_000], "text".repeat(1000)));
    agrees(&Some(Box::new((vec![1u8, 2].into_boxed_slice(), vec![1.0f64].into_boxed_slice()))));
    agrees(&(VecDeque::from([1u8, 2]), HashSet::from([7u8])));
    agrees(&vec![
        Kind::Unit,
        Kind::New(vec![1; 3]),
        Kind::Tuple(-300, Some(vec![1.0])),
        Kind::Struct { map: BTreeMap::from([("a".to_owned(), vec![2.0])]), flag: true },
    ]);
}

#[test]
fn a_ring_that_is_split_in_two_comes_back_in_order() {
    let mut ring: VecDeque<u8> = (0..100).collect();
    ring.rotate_left(37);
    ring.extend(0..50);
    agrees(&ring);
}

#[test]
fn a_float_keeps_its_bits() {
    let bits = [0x7FF0_0000_0000_0001u64, 0xFFF8_0000_DEAD_BEEF, 0];
    let floats: Vec<f64> = bits.into_iter().map(f64::from_bits).collect();
    let bytes = Codec::Bincode.encode(0, &floats).unwrap();
    let back: Vec<f64> = Codec::Bincode.decode(&bytes).unwrap();
    assert_eq!(back.into_iter().map(f64::to_bits).collect::<Vec<_>>(), bits);
}

/// Bytes that travel as something else than bytes.
#[derive(Debug, PartialEq)]
struct Digits(Vec<u8>);

impl Serialize for Digits {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|digit| u16::from(*digit) * 1000))
    }
}

impl<'de> Deserialize<'de> for Digits {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Thousands;
        impl<'de> serde::de::Visitor<'de> for Thousands {
            type Value = Vec<u8>;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("thousands")
            }
            fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<u8>, A::Error> {
                let mut digits = Vec::new();
                while let Some(thousands) = seq.next_element::<u16>()? {
                    digits.push(u8::try_from(thousands / 1000).map_err(serde::de::Error::custom)?);
                }
                Ok(digits)
            }
        }
        deserializer.deserialize_seq(Thousands).map(Self)
    }
}

#[test]
fn a_visitor_that_makes_bytes_of_something_else_is_not_mistaken_for_one_of_bytes() {
    agrees(&Digits(vec![1, 2, 9]));
}

#[test]
fn a_sequence_that_is_announced_and_not_there_is_an_error_and_no_allocation() {
    for length in [1 << 20, 1 << 40, u64::MAX] {
        let bytes = [&[253][..], &length.to_le_bytes(), &[0; 100]].concat();
        for error in [
            Codec::Bincode.decode::<Vec<u8>>(&bytes).unwrap_err(),
            Codec::Bincode.decode::<Vec<f64>>(&bytes).unwrap_err(),
            Codec::Bincode.decode::<Vec<f32>>(&bytes).unwrap_err(),
            Codec::Bincode.decode::<String>(&bytes).unwrap_err(),
        ] {
            assert!(std::error::Error::source(&error).is_some());
        }
    }
}

#[test]
fn values_that_no_bincode_has_written_are_errors() {
    assert!(Codec::Bincode.decode::<bool>(&[2]).is_err());
    assert!(Codec::Bincode.decode::<Vec<bool>>(&[1, 2]).is_err());
    assert!(Codec::Bincode.decode::<Option<u8>>(&[2, 0]).is_err());
    assert!(Codec::Bincode.decode::<char>(&[0xFF]).is_err());
    assert!(Codec::Bincode.decode::<String>(&[1, 0xFF]).is_err());
    assert!(Codec::Bincode.decode::<Kind>(&[4]).is_err());
}

#[test]
fn a_sequence_of_unknown_length_is_an_error() {
    struct Odd;
    impl Serialize for Odd {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_seq((0u8..10).filter(|n| n % 2 == 1))
        }
    }
    assert!(Codec::Bincode.encode(0, &Odd).is_err());
}

fn kinds() -> impl Strategy<Value = Kind> {
    prop_oneof![
        Just(Kind::Unit),
        any::<Vec<u8>>().prop_map(Kind::New),
        (any::<i16>(), any::<Option<Vec<u8>>>()).prop_map(|(number, floats)| Kind::Tuple(
            number,
            floats.map(|floats| floats.into_iter().map(f32::from).collect())
        )),
        (any::<BTreeMap<String, Vec<i32>>>(), any::<bool>()).prop_map(|(map, flag)| {
            let floats = |floats: Vec<i32>| floats.into_iter().map(f64::from).collect();
            Kind::Struct { map: map.into_iter().map(|(key, value)| (key, floats(value))).collect(), flag }
        }),
    ]
}

proptest! {
    #[test]
    fn whatever_is_encoded_is_what_bincode_encodes(
        kinds in proptest::collection::vec(kinds(), 0..4),
        numbers: (u8, i8, u16, i16, u32, i32, u64, i64, u128, i128),
        text: (char, String, Option<bool>),
        lists: (Vec<u64>, Vec<i32>, Vec<(u8, String)>),
    ) {
        agrees(&kinds);
        agrees(&numbers);
        agrees(&text);
        agrees(&lists);
    }
}
