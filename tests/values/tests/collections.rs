//! Texts, collections, options and the pointers of std that own what they point to.

#![allow(clippy::unwrap_used, reason = "in a test, to panic is to fail")]
#![allow(clippy::linkedlist, clippy::option_option, reason = "users have them, so they are sent")]

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, HashSet, LinkedList, VecDeque};
use std::ffi::CString;

#[macro_use]
mod cases;
mod support;

cases! {
    string: String = Bincode [String::new(), "\0 \u{e4} \u{1f600}".into(), "a".repeat(300)];
    boxed_text: Box<str> = Bincode ["a".into()];
    c_string: CString = Bincode [c"a\xff".to_owned()];
    cow: Cow<'static, str> = Bincode [Cow::Borrowed("a"), Cow::Owned("b".into())];
    boxed: Box<(u8, Box<[u16]>)> = Bincode [Box::new((1, [2, 3].into()))];
    vec_of_bytes: Vec<u8> = Bincode [vec![], vec![0, 0xff], vec![7; 300]];
    vec_of_floats: Vec<f64> = Bincode [vec![], vec![-0.0, f64::NAN, 0.1]];
    vec_of_texts: Vec<String> = Bincode [vec![], vec!["a".into(), String::new()]];
    vec_deque: VecDeque<u16> = Bincode [[1, 2].into()];
    linked_list: LinkedList<u16> = Bincode [[1, 2].into()];
    binary_heap: BinaryHeap<u16> = Bincode [BinaryHeap::new(), [3].into()];
    hash_map: HashMap<u32, String> = Bincode [[(1, "a".into())].into(), HashMap::new()];
    map_with_tuple_keys: BTreeMap<(u8, bool), u8> = Bincode [[((1, true), 2), ((2, false), 3)].into()];
    sets: (HashSet<u8>, BTreeSet<String>) = Bincode [([1].into(), ["a".into(), "b".into()].into())];
    tuple: (u8, String, Option<i16>) = Bincode [(1, "x".into(), None), (2, String::new(), Some(-1))];
    long_tuple: (u8, u8, u8, u8, u8, u8, u8, u8, u8, u8, u8, bool) = Bincode [(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, true)];
    empty_array: [u8; 0] = Bincode [[]];
    array_of_bytes: [u8; 32] = Bincode [[7; 32], std::array::from_fn(|i| i as u8)];
    array_of_texts: [String; 3] = Bincode [["a".into(), String::new(), "c".into()]];
    array_of_floats: [f64; 32] = Bincode [[-0.0; 32]];
    option: Option<u8> = Bincode [None, Some(0)];
    option_of_option: Option<Option<u8>> = Bincode [None, Some(None), Some(Some(1))];
    option_of_unit: Option<()> = Bincode [None, Some(())];
    option_of_option_of_unit: Option<Option<()>> = Bincode [None, Some(None), Some(Some(()))];
    result: Result<u8, String> = Bincode [Ok(1), Err("e".into())];
}

/// The elements of a heap, whatever their order in memory.
#[actix_web::test]
async fn heap_arrives_with_all_elements() {
    use distributed_scope::{PeerId, RemoteError, distributed, remote};
    #[distributed]
    async fn heap(to: PeerId, heap: BinaryHeap<u16>) -> Result<BinaryHeap<u16>, RemoteError> {
        remote!(to, [heap], { heap }).await
    }
    let (server, client) = support::two_peers().await;
    let back = client.run(heap(server.id(), [3, 1, 2, 2].into())).await.unwrap();
    assert_eq!(back.into_sorted_vec(), [1, 2, 2, 3]);
}
