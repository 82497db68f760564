//! What does not change, in another file.



use std::collections::BTreeMap;

use distributed_scope::{distributed, remote, PeerId, RemoteError};

use crate::note;

/// Documented meanwhile.
#[distributed]
pub async fn harmless(on: PeerId, n: u32) -> Result<u32, RemoteError> {
  let names = BTreeMap::from([(n, String::from("two"))]);

  // The list has a comma more, and the block comments.
  remote!(
    on,
    [
      n,
      names,
    ],
    {
      // It says that it ran.
      note("harmless",);

      match names.get(&n) { Some(name) if name.len() > 100 => { 0 } Some(name) => { /* its length */ n + name.len() as u32 }
        None => { note("none"); 0 }, }
    },
  )
  .await
}
