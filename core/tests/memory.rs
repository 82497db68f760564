//! The memory limit of a message's value, which leaves room for honest values.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fmt::Debug;

use distributed_scope_core::{Codec, DecodeError, Limits, OverBudget};
use serde::Serialize;
use serde::de::DeserializeOwned;

const MIB: usize = 1 << 20;

/// 8 KiB of memory for one that says in a byte that it is absent.
type Large = [[u64; 32]; 32];

fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, DecodeError> {
    Codec::Bincode.decode(bytes)
}

/// 1 MiB that announces as many elements, each of which is a zero.
fn zeros() -> Vec<u8> {
    let count = u32::try_from(MIB - 5).expect("it fits").to_le_bytes();
    [&[252][..], &count, &[0; MIB - 5]].concat()
}

fn takes_too_much<T>(result: &Result<T, DecodeError>) -> bool {
    let limit = 24 * MIB + Limits::default().max_decode_memory;
    result.as_ref().is_err_and(|error| error.over_budget() == Some(OverBudget::Memory { limit }))
}

fn returns<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: T) {
    let bytes = Codec::Bincode.encode(0, &value).expect("it can be written");
    assert!(decode::<T>(&bytes).expect("it has room") == value);
}

#[test]
fn entries_of_maps_and_sets_count_three_times_and_honest_ones_have_room() {
    // A byte each, as nothing but an attack has them: those of a set or a map differ.
    assert!(takes_too_much(&decode::<BTreeSet<String>>(&zeros())));
    assert!(takes_too_much(&decode::<HashSet<String>>(&zeros())));
    assert!(decode::<Vec<String>>(&zeros()).is_ok());
    let keys = || (0..200_000_u32).map(|n| format!("{n:x}"));
    returns(keys().collect::<HashSet<_>>());
    returns(keys().collect::<BTreeSet<_>>());
    returns(keys().map(|key| (key, String::new())).collect::<BTreeMap<_, _>>());
    returns((0..200_000_u32).map(|key| (key, None)).collect::<HashMap<_, Option<u64>>>());
}

#[test]
fn the_end_of_a_sequence_counts_if_its_elements_would_be_large() {
    assert!(takes_too_much(&decode::<Vec<Vec<Option<Large>>>>(&zeros())));
    assert!(decode::<Vec<Vec<u64>>>(&zeros()).is_ok());
}

#[test]
fn what_a_value_may_take_besides_is_the_callers_to_say() {
    let absent = Codec::Bincode.encode(0, &vec![None::<Large>; 1000]).expect("it can be written");
    let of = |memory| Codec::Bincode.decode_within::<Vec<Option<Large>>>(memory, &absent);
    assert!(of(8 * MIB).is_ok());
    let limit = absent.len() * 24 + MIB;
    let error = of(MIB).expect_err("it takes 8 MB");
    assert_eq!(error.over_budget(), Some(OverBudget::Memory { limit }));
}

/// Reading a message keeps its thread, so what takes long is bounded however long the message is.
#[test]
fn slow_parts_are_bounded() {
    let memory = Limits::default().max_decode_memory;
    let texts = |count| Codec::Bincode.encode(0, &vec![String::new(); count]).expect("texts can be written");
    let read = |memory, count| Codec::Bincode.decode_within::<Vec<String>>(memory, &texts(count));
    assert!(read(memory, MIB).is_ok(), "as many as fit into a message that is fast");
    let error = read(memory, 2 * MIB).expect_err("these take longer");
    let limit = 3 * (MIB + 1024) + memory / 16;
    assert_eq!(error.over_budget(), Some(OverBudget::Steps { limit }));
    let text = OverBudget::Steps { limit }.to_string();
    assert!(text.contains(&limit.to_string()) && text.contains("`Limits::max_decode_memory`"), "{text}");
    assert!(read(memory + 16 * 2 * MIB, 2 * MIB).is_ok(), "the limit can be raised");

    let numbers = Codec::Bincode.encode(0, &vec![(1_u8, 2_u16); 2 * MIB]).expect("numbers can be written");
    assert!(Codec::Bincode.decode::<Vec<(u8, u16)>>(&numbers).is_ok(), "numbers are fast");
}
