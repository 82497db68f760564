//! Messages that are the worst of their kind: values whose types use much memory for few bytes.

use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, HashSet, LinkedList, VecDeque};
use std::hint::black_box;
use std::time::Duration;

use distributed_scope_core::{Codec, RemoteError};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// A type, and a function that decodes one message as a value of it, within the given additional
/// memory. It returns whether that succeeded.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) decode: fn(usize, &[u8]) -> bool,
}

fn decode<T: DeserializeOwned>(memory: usize, bytes: &[u8]) -> bool {
    black_box(Codec::Bincode.decode_within::<T>(memory, bytes)).is_ok()
}

macro_rules! cases {
    ($($type:ty),* $(,)?) => { vec![$(Case { name: stringify!($type), decode: decode::<$type> }),*] };
}

type Large = [[u64; 32]; 32];

#[expect(dead_code, reason = "only decoded")]
#[expect(clippy::large_enum_variant, reason = "this is what an attacker likes")]
#[derive(Deserialize)]
enum Fork {
    Leaf,
    Both(Box<Fork>, Box<Fork>),
    Large(Large),
}

#[expect(dead_code, reason = "only decoded")]
#[derive(Deserialize)]
struct Record {
    name: String,
    tags: BTreeMap<String, Option<u32>>,
    parent: Option<Box<Record>>,
    times: [Option<Duration>; 4],
}

/// Types whose values take a few times the memory of their message.
pub(crate) fn compact() -> Vec<Case> {
    cases![
        String,
        Vec<u8>,
        Vec<bool>,
        Box<[()]>,
        Vec<(u8, u8)>,
        HashSet<()>,
        BTreeMap<u8, u8>,
        HashMap<String, u64>,
        BTreeSet<String>,
        HashSet<String>,
        BTreeMap<String, String>,
        RemoteError,
        (u64, String, Option<Vec<u8>>),
    ]
}

/// Types of which a byte on the wire is many bytes in memory, in an honest message as in a hostile
/// one.
pub(crate) fn wide() -> Vec<Case> {
    cases![
        Vec<char>,
        Vec<u64>,
        Vec<u128>,
        Vec<String>,
        Vec<Option<String>>,
        Vec<Vec<u8>>,
        LinkedList<u8>,
        BinaryHeap<String>,
        HashMap<u64, u8>,
        HashSet<u64>,
        HashSet<(bool, u64)>,
        BTreeMap<u64, String>,
        Vec<HashMap<u8, u8>>,
        Vec<BTreeMap<u8, u8>>,
        Vec<Option<Large>>,
        VecDeque<(Option<Large>, u8)>,
        Vec<Vec<Option<Large>>>,
        BTreeMap<u64, Option<Large>>,
        Vec<Record>,
        Vec<Fork>,
        Fork,
    ]
}

/// A length as bincode writes it when it needs 32 bits.
fn length(length: usize) -> Vec<u8> {
    [&[252][..], &(length as u32).to_le_bytes()].concat()
}

/// Messages of this length, each with a name. The first announce as many elements as there are
/// bytes left.
pub(crate) fn messages(size: usize) -> Vec<(&'static str, Vec<u8>)> {
    let rest = size - 5;
    let of = |head: Vec<u8>, body: &mut dyn FnMut(usize) -> u8| -> Vec<u8> {
        let head_length = head.len();
        head.into_iter().chain((head_length..size).map(|at| body(at - head_length))).collect()
    };
    // A xorshift generator: the same bytes on each machine.
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut random = move |_: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    vec![
        ("zeros", of(length(rest), &mut |_| 0)),
        ("half as many pairs 0 1", of(length(rest / 2), &mut |at| (at % 2) as u8)),
        ("half as many pairs 1 0", of(length(rest / 2), &mut |at| (at % 2 == 0).into())),
        ("a third as many 1 n 0", of(length(rest / 3), &mut |at| [1, (at / 3 % 251) as u8, 0][at % 3])),
        ("a third as many numbers of 16 bits", {
            of(length(rest / 4), &mut |at| [251, (at / 4) as u8, (at / 1024) as u8, 0][at % 4])
        }),
        ("a length of zeros", of(Vec::new(), &mut |_| 0)),
        ("forks", of(Vec::new(), &mut |at| (at % 40 != 0).into())),
        ("forks and leaves", of(Vec::new(), &mut |at| ((at + 1).trailing_zeros() > 0).into())),
        ("random, small", of(length(rest), &mut |at| random(at) % 4)),
    ]
}
