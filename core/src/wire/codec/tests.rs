//! What comes back, what is refused, and that nothing else can happen.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::error::Error;
use std::fmt::Debug;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::*;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Chain {
    End,
    Link(Box<Chain>),
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Tree(Vec<Tree>);

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
struct Onion(Option<Box<Onion>>);

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Map(BTreeMap<u8, Map>);

#[derive(Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
struct Unit;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Newtype(u128);

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Pair(i128, char);

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[allow(clippy::option_option, reason = "each `Some` is told apart on the wire")]
struct Fields {
    text: String,
    unit: Unit,
    newtype: Newtype,
    pair: Pair,
    #[expect(clippy::option_option, reason = "whatever serde can write has to come back")]
    nested: Option<Option<Option<u8>>>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Kinds {
    Unit,
    Newtype(Vec<u8>),
    Tuple(f32, Option<Box<Kinds>>),
    Struct { map: HashMap<String, Vec<f64>>, result: Result<(), String> },
}

/// Bytes that the serializer takes as bytes and not as a sequence.
#[derive(Debug, PartialEq)]
struct Raw(Vec<u8>);

impl Serialize for Raw {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Owned;
        impl serde::de::Visitor<'_> for Owned {
            type Value = Raw;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("bytes")
            }
            fn visit_byte_buf<E>(self, value: Vec<u8>) -> Result<Raw, E> {
                Ok(Raw(value))
            }
        }
        deserializer.deserialize_byte_buf(Owned)
    }
}

#[track_caller]
fn returns<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: T) {
    let bytes = Codec::Bincode.encode(0, &value).unwrap();
    assert_eq!(Codec::Bincode.decode::<T>(&bytes).unwrap(), value);
}

fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, DecodeError> {
    Codec::Bincode.decode(bytes)
}

/// A length as bincode writes one that needs 64 bits.
fn length(length: u64) -> Vec<u8> {
    [&[253][..], &length.to_le_bytes()].concat()
}

fn chain(links: usize) -> Vec<u8> {
    [vec![1; links], vec![0]].concat()
}

fn is_too_deep<T: Debug>(result: &Result<T, DecodeError>) -> bool {
    result.as_ref().is_err_and(|error| error.over_budget() == Some(OverBudget::Depth { limit: 64 }))
}

fn is_too_many<T: Debug>(result: &Result<T, DecodeError>, limit: usize) -> bool {
    result.as_ref().is_err_and(|error| error.over_budget() == Some(OverBudget::Elements { limit }))
}

#[test]
fn a_value_comes_back_from_its_bytes_behind_the_head() {
    let value = (7u32, "seven".to_owned(), vec![Some(1.5f64), None]);
    let bytes = Codec::Bincode.encode(3, &value).unwrap();
    assert_eq!(&bytes[..3], [0, 0, 0]);
    assert_eq!(decode::<(u32, String, Vec<Option<f64>>)>(&bytes[3..]).unwrap(), value);
}

#[test]
fn every_kind_of_serde_type_comes_back() {
    returns((true, u8::MAX, u16::MAX, u32::MAX, u64::MAX, u128::MAX));
    returns((i8::MIN, i16::MIN, i32::MIN, i64::MIN, i128::MIN, isize::MIN, usize::MAX));
    returns((f32::MIN_POSITIVE, f64::INFINITY, 'ß', "\u{1F980}".to_owned(), ()));
    returns(([1u64, 2, 3, 4], [(); 3], Box::new(5u8), Duration::from_nanos(6)));
    returns((Raw(vec![0, 255]), Raw(Vec::new()), Some(Raw(vec![1]))));
    returns(std::ffi::CString::new("c").unwrap());
    returns(std::path::PathBuf::from("a/path"));
    returns(("127.0.0.1:80".parse::<std::net::SocketAddr>().unwrap(), std::num::NonZeroU8::MAX));
    returns(Fields {
        text: "text".to_owned(),
        unit: Unit,
        newtype: Newtype(u128::MAX),
        pair: Pair(-1, 'p'),
        nested: Some(Some(None)),
    });
    returns(BTreeMap::from([(1u8, BTreeSet::from([2u8, 3])), (4, BTreeSet::new())]));
    returns((HashSet::from([Unit]), std::collections::VecDeque::from([1, 2])));
    let map = HashMap::from([("key".to_owned(), vec![1.5, -0.0])]);
    returns(vec![
        Kinds::Unit,
        Kinds::Newtype(vec![1, 2]),
        Kinds::Tuple(1.5, Some(Box::new(Kinds::Unit))),
        Kinds::Struct { map, result: Err("no".to_owned()) },
    ]);
}

#[test]
fn bytes_left_over_are_an_error_and_not_ignored() {
    let mut bytes = Codec::Bincode.encode(0, &1u8).unwrap();
    bytes.push(0);
    let error = decode::<u8>(&bytes).unwrap_err();
    assert_eq!(error.source().unwrap().to_string(), "1 bytes are left over");
    assert_eq!(error.over_budget(), None);
}

#[test]
fn a_length_that_the_message_cannot_have_is_an_error_and_not_an_allocation() {
    for exponent in [33, 36, 47, 60, 63] {
        let bytes = length(1 << exponent);
        assert!(decode::<String>(&bytes).is_err());
        assert!(decode::<Raw>(&bytes).is_err());
        assert!(decode::<Vec<u8>>(&bytes).is_err());
        assert!(is_too_many(&decode::<Vec<u16>>(&bytes), 9 + 1024));
    }
}

#[test]
fn elements_that_take_no_bytes_are_counted_before_they_are_made() {
    let began = Instant::now();
    for count in [1 << 33, 1 << 63, u64::MAX] {
        let bytes = length(count);
        assert!(is_too_many(&decode::<Vec<()>>(&bytes), 1033));
        assert!(is_too_many(&decode::<Vec<Unit>>(&bytes), 1033));
        assert!(is_too_many(&decode::<HashMap<(), ()>>(&bytes), 1033));
        assert!(is_too_many(&decode::<HashSet<()>>(&bytes), 1033));
        assert!(is_too_many(&decode::<std::collections::LinkedList<[(); 0]>>(&bytes), 1033));
    }
    // Where one of them would be made, this takes seconds at least.
    assert!(began.elapsed() < Duration::from_secs(1));
}

#[test]
fn as_many_elements_as_the_limit_pass_and_one_more_does_not() {
    // Three bytes: a marker and a length of 16 bits.
    let limit = 3 + 1024;
    returns(vec![(); limit]);
    let bytes = Codec::Bincode.encode(0, &vec![(); limit + 1]).unwrap();
    let error = decode::<Vec<()>>(&bytes).unwrap_err();
    assert_eq!(error.to_string(), "cannot decode `Vec<()>` from 3 bytes");
    let reason = error.source().unwrap().to_string();
    assert_eq!(reason, "its sequences and maps have more than 1027 elements");
}

#[test]
fn the_elements_of_all_sequences_count_together() {
    let halves = |each: usize| Codec::Bincode.encode(0, &(vec![(); each], vec![(); each])).unwrap();
    // Six bytes.
    assert!(decode::<(Vec<()>, Vec<()>)>(&halves(515)).is_ok());
    assert!(is_too_many(&decode::<(Vec<()>, Vec<()>)>(&halves(516)), 1030));
}

/// 8,000 bytes of memory for one that says that it is absent.
#[derive(Debug, Serialize, Deserialize)]
struct Large(#[serde(with = "large")] [u64; 1000]);

/// serde itself reads arrays of up to 32 elements.
mod large {
    use super::*;

    type Parts = ([[u64; 25]; 20], [[u64; 25]; 20]);

    pub(super) fn serialize<S: serde::Serializer>(value: &[u64; 1000], s: S) -> Result<S::Ok, S::Error> {
        let (front, back) = value.split_at(500);
        let half = |half: &[u64]| -> [[u64; 25]; 20] {
            std::array::from_fn(|row| std::array::from_fn(|column| half[row * 25 + column]))
        };
        (half(front), half(back)).serialize(s)
    }

    pub(super) fn deserialize<'de, D: serde::Deserializer<'de>>(d: D) -> Result<[u64; 1000], D::Error> {
        let (front, back) = Parts::deserialize(d)?;
        let mut all = [0; 1000];
        all.iter_mut().zip(front.into_iter().chain(back).flatten()).for_each(|(to, from)| *to = from);
        Ok(all)
    }
}

fn takes_too_much<T: Debug>(result: &Result<T, DecodeError>, length: usize) -> bool {
    let limit = length * 24 + (8 << 20);
    result.as_ref().is_err_and(|error| error.over_budget() == Some(OverBudget::Memory { limit }))
}

#[test]
fn elements_that_are_small_on_the_wire_and_large_in_memory_are_counted_with_their_size() {
    const MIB: usize = 1 << 20;
    let absent = [length(MIB as u64 - 9), vec![0; MIB - 9]].concat();
    assert!(takes_too_much(&decode::<Vec<Option<Large>>>(&absent), MIB));
    assert!(takes_too_much(&decode::<std::collections::VecDeque<(u8, Option<Large>)>>(&absent), MIB));
    assert!(decode::<Vec<Option<Box<Large>>>>(&absent).is_ok(), "the advice of the error helps");
    assert!(decode::<Vec<String>>(&absent).is_ok());
    assert!(decode::<Vec<Option<String>>>(&absent).is_ok());
    let some = 1000;
    let absent = Codec::Bincode.encode(0, &(0..some).map(|_| None).collect::<Vec<Option<Large>>>()).unwrap();
    assert_eq!(decode::<Vec<Option<Large>>>(&absent).unwrap().len(), some, "and 8 MiB are free");
    let present: Vec<_> = (0..10_000).map(|_| Some(Large([1; 1000]))).collect();
    let present = Codec::Bincode.encode(0, &present).unwrap();
    let back = decode::<Vec<Option<Large>>>(&present).unwrap();
    assert!(back.len() == 10_000 && back.iter().flatten().all(|Large(numbers)| *numbers == [1; 1000]));
}

#[test]
fn the_size_of_a_map_entry_is_that_of_its_key_and_its_value() {
    // 128 bytes of memory for 20,000 keys of up to three bytes, and as many values of one byte.
    let keys = 20_000u32;
    let small: HashMap<u32, Option<[u64; 15]>> = (0..keys).map(|key| (key, None)).collect();
    returns(small);
    let large: HashMap<u32, Option<Large>> = (0..keys).map(|key| (key, None)).collect();
    let bytes = Codec::Bincode.encode(0, &large).unwrap();
    assert!(takes_too_much(&decode::<HashMap<u32, Option<Large>>>(&bytes), bytes.len()));
}

/// 960 bytes of memory, of which a leaf takes one on the wire.
#[derive(Debug, Serialize, Deserialize)]
#[expect(clippy::large_enum_variant, reason = "this is what an attacker likes")]
enum Fork {
    Leaf,
    Both(Box<Fork>, Box<Fork>),
    Medium([[u64; 20]; 6]),
}

#[test]
fn what_a_type_boxes_is_counted_too_where_the_message_chooses_its_form() {
    fn fork(height: usize) -> Fork {
        let half = || Box::new(fork(height - 1));
        if height == 0 { Fork::Leaf } else { Fork::Both(half(), half()) }
    }
    let decode_fork = |height| {
        let bytes = Codec::Bincode.encode(0, &fork(height)).unwrap();
        (decode::<Fork>(&bytes), bytes.len())
    };
    assert!(decode_fork(12).0.is_ok());
    let (result, length) = decode_fork(15);
    assert!(takes_too_much(&result, length));
    returns_fork(&Fork::Medium([[7; 20]; 6]));
}

#[track_caller]
fn returns_fork(fork: &Fork) {
    let bytes = Codec::Bincode.encode(0, fork).unwrap();
    assert_eq!(format!("{:?}", decode::<Fork>(&bytes).unwrap()), format!("{fork:?}"));
}

#[test]
fn a_level_of_many_kibibytes_is_as_many_levels_because_it_takes_the_stack() {
    #[derive(Debug, Serialize, Deserialize)]
    #[expect(clippy::large_enum_variant, reason = "this is what takes the stack")]
    enum Deep {
        End,
        Here(Large, Box<Deep>),
    }
    let deep = |links: usize| {
        let large = Codec::Bincode.encode(0, &Large([0; 1000])).unwrap();
        [[vec![1], large].concat().repeat(links), vec![0]].concat()
    };
    // 8,008 bytes are eight levels.
    assert!(decode::<Deep>(&deep(7)).is_ok());
    assert!(is_too_deep(&decode::<Deep>(&deep(8))));
    assert!(matches!(decode::<Deep>(&deep(0)), Ok(Deep::End)));
}

#[test]
fn a_long_sequence_of_the_largest_integers_written_small_comes_back() {
    for count in [500, 8_000, 130_000] {
        returns(vec![1u128; count]);
        returns(vec![-1i128; count]);
    }
}

#[test]
fn the_parts_of_arrays_tuples_and_structs_are_not_counted() {
    returns(vec![(((), ()), ((((((((((1u8,),),),),),),),),),)); 1000]);
    returns(vec![[[(); 32]; 32]; 100]);
}

#[test]
fn sixty_four_levels_pass_and_one_more_does_not() {
    assert!(decode::<Chain>(&chain(63)).is_ok());
    assert!(is_too_deep(&decode::<Chain>(&chain(64))));
    assert!(decode::<Tree>(&chain(63)).is_ok());
    assert!(is_too_deep(&decode::<Tree>(&chain(64))));
    // The innermost `None` is no level.
    assert!(decode::<Onion>(&chain(64)).is_ok());
    assert!(is_too_deep(&decode::<Onion>(&chain(65))));
    let maps = |levels| [[1u8, 7].repeat(levels), vec![0]].concat();
    assert!(decode::<Map>(&maps(63)).is_ok());
    assert!(is_too_deep(&decode::<Map>(&maps(64))));
    let reason = decode::<Chain>(&chain(64)).unwrap_err().source().unwrap().to_string();
    assert_eq!(reason, "it is nested more than 64 levels deep");
}

#[test]
fn levels_side_by_side_are_not_added_up() {
    let chains: Vec<Chain> = (0..100).map(|_| decode(&chain(60)).unwrap()).collect();
    returns(chains);
}

#[test]
fn a_message_that_is_nested_without_end_does_not_overflow_a_small_stack() {
    let decode_all = || {
        for links in [64_000, 1 << 20] {
            assert!(is_too_deep(&decode::<Chain>(&chain(links))));
            assert!(is_too_deep(&decode::<Tree>(&chain(links))));
            assert!(is_too_deep(&decode::<Onion>(&chain(links))));
            assert!(is_too_deep(&decode::<Map>(&vec![1; links])));
            assert!(is_too_deep(&decode::<Vec<Option<Chain>>>(&chain(links))));
        }
    };
    std::thread::Builder::new().stack_size(2 << 20).spawn(decode_all).unwrap().join().unwrap();
}

#[test]
fn a_type_that_swallows_errors_does_not_swallow_a_broken_bound() {
    #[derive(Debug)]
    struct Lenient;
    impl<'de> Deserialize<'de> for Lenient {
        fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            let _ = Vec::<()>::deserialize(deserializer);
            Ok(Self)
        }
    }
    assert!(is_too_many(&decode::<Lenient>(&length(1 << 40)), 1033));
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
        let _ = decode::<Vec<Kinds>>(&bytes);
        let _ = decode::<Chain>(&bytes);
        let _ = decode::<Tree>(&bytes);
        let _ = decode::<Map>(&bytes);
        let _ = decode::<Fields>(&bytes);
        let _ = decode::<(String, Raw, char, bool)>(&bytes);
        let _ = decode::<HashMap<(), Vec<HashMap<u8, ()>>>>(&bytes);
        let _ = decode::<(Duration, std::net::IpAddr, std::time::SystemTime, std::ffi::CString)>(&bytes);
    }

    #[test]
    fn small_bytes_which_are_mostly_lengths_and_variants_never_panic(
        bytes in proptest::collection::vec(prop_oneof![0u8..4, 250u8..=255], 0..2000)
    ) {
        let _ = decode::<Vec<Kinds>>(&bytes);
        let _ = decode::<Vec<Chain>>(&bytes);
        let _ = decode::<Tree>(&bytes);
        let _ = decode::<Vec<Vec<Vec<()>>>>(&bytes);
        let _ = decode::<Onion>(&bytes);
    }

    #[test]
    fn what_was_encoded_comes_back(value: (Vec<(u64, String)>, Option<char>, BTreeMap<i16, Vec<bool>>, u128)) {
        returns(value);
    }
}
