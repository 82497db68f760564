//! Blocks that change, in the old version.

use distributed_scope::{PeerId, RemoteError, distributed, remote};

use crate::note;

/// Compiled in the old version alone; both can call it.
#[distributed]
pub async fn left_out(on: PeerId, n: u32) -> Result<u32, RemoteError> {
    remote!(on, [n] -> u32, #[cfg(all())] {
        note("left out");
        n + 1
    })
    .await
}

/// Compiled in the new version alone, where its body is another one.
#[distributed]
pub async fn conditional_body(on: PeerId, n: u32) -> Result<u32, RemoteError> {
    remote!(on, [n] -> u32, #[cfg(any())] {
        note("conditional body");
        n + 1
    })
    .await
}

/// Another one like it is put before it.
#[distributed]
pub async fn inserted_twin(on: PeerId) -> Result<(), RemoteError> {
    remote!(on, [], { note("inserted twin") }).await
}

/// Two blocks that differ only in their bodies, and that swap places.
#[distributed]
pub async fn swapped(on: PeerId) -> Result<(), RemoteError> {
    remote!(on, [], { note("swapped, one") }).await?;
    remote!(on, [], { note("swapped, two") }).await
}

/// Two blocks that differ in their types, and that swap places.
#[distributed]
pub async fn swapped_types(on: PeerId) -> Result<(), RemoteError> {
    let n = 1_u8;
    remote!(on, [n], { note(&format!("swapped types, {}", n + 1_u8)) }).await?;
    let n = 1_u64;
    remote!(on, [n], { note(&format!("swapped types, {}", n + 1_u64)) }).await
}

/// Two blocks that differ in their types.
#[distributed]
pub async fn alike(on: PeerId) -> Result<u64, RemoteError> {
    let n = 1_u8;
    remote!(on, [n], {
        note("alike small");
        u64::from(n)
    })
    .await?;
    let n = 1_u64;
    remote!(on, [n], {
        note("alike large");
        n
    })
    .await
}

#[distributed]
pub async fn exact_body(on: PeerId) -> Result<u32, RemoteError> {
    remote!(
        on,
        [],
        #[block(exact)]
        {
            note("exact body");
            1
        }
    )
    .await
}

#[distributed(exact)]
pub async fn exact_function(on: PeerId) -> Result<u32, RemoteError> {
    remote!(on, [], {
        note("exact function");
        1
    })
    .await
}

#[distributed]
pub async fn capture_name(on: PeerId) -> Result<u32, RemoteError> {
    let n = 1_u32;
    remote!(on, [n], {
        note("capture name");
        n
    })
    .await
}
