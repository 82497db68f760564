//! What does not change.

use std::collections::BTreeMap;

use distributed_scope::{PeerId, RemoteError, distributed, remote};

use crate::note;

#[distributed]
pub async fn harmless(on: PeerId, n: u32) -> Result<u32, RemoteError> {
    let names = BTreeMap::from([(n, String::from("two"))]);
    remote!(on, [n, names], {
        note("harmless");
        match names.get(&n) {
            Some(name) if name.len() > 100 => 0,
            Some(name) => n + name.len() as u32,
            None => {
                note("none");
                0
            }
        }
    })
    .await
}
