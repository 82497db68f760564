//! Bytes decode to a value or an error, whatever the expected type and the codec. They never cost
//! more memory than allowed.
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

#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum Any {
    Number(i64),
    Texts(Vec<Option<String>>),
    Named(HashMap<String, Any>),
}

fn decode<T: DeserializeOwned + Serialize>(codec: Codec, bytes: &[u8]) {
    if let Ok(value) = codec.decode::<T>(bytes) {
        let again = codec.encode(0, &value).expect("what was read can be written");
        assert!(codec.decode::<T>(&again).is_ok());
    }
}

fuzz_target!(|bytes: &[u8]| {
    let Some((which, bytes)) = bytes.split_first() else { return };
    let codec = Codec::ALL[usize::from(which / 9) % Codec::ALL.len()];
    match which % 9 {
        0 => decode::<String>(codec, bytes),
        1 => decode::<Vec<u64>>(codec, bytes),
        2 => decode::<HashMap<String, Vec<u8>>>(codec, bytes),
        3 => decode::<RemoteError>(codec, bytes),
        4 => decode::<Tree>(codec, bytes),
        5 => decode::<(Duration, char, Option<Box<[u32]>>, [u8; 9])>(codec, bytes),
        6 => decode::<Vec<Vec<Vec<String>>>>(codec, bytes),
        7 => decode::<BTreeMap<i128, Result<u8, String>>>(codec, bytes),
        // bincode cannot write what it cannot read.
        _ => decode::<Any>(codec, bytes),
    }
});
