//! Bytes are a value or an error, whatever the type that is expected; they never cost more memory than they may.
#![no_main]

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use distributed_scope_core::{Codec, RemoteError};
use libfuzzer_sys::fuzz_target;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

#[derive(Debug, Serialize, Deserialize)]
enum Tree {
    Leaf(String),
    Nodes(Vec<Tree>),
    Named { name: Option<String>, weight: f64 },
}

fn decode<T: DeserializeOwned + Serialize>(bytes: &[u8]) {
    if let Ok(value) = Codec::Bincode.decode::<T>(bytes) {
        let again = Codec::Bincode.encode(0, &value).expect("what was read can be written");
        assert!(Codec::Bincode.decode::<T>(&again).is_ok());
    }
}

fuzz_target!(|bytes: &[u8]| {
    let Some((which, bytes)) = bytes.split_first() else { return };
    match which % 8 {
        0 => decode::<String>(bytes),
        1 => decode::<Vec<u64>>(bytes),
        2 => decode::<HashMap<String, Vec<u8>>>(bytes),
        3 => decode::<RemoteError>(bytes),
        4 => decode::<Tree>(bytes),
        5 => decode::<(Duration, char, Option<Box<[u32]>>, [u8; 9])>(bytes),
        6 => decode::<Vec<Vec<Vec<String>>>>(bytes),
        _ => decode::<BTreeMap<i128, Result<u8, String>>>(bytes),
    }
});
