//! Randomness, for challenges, tokens and keys.

use sha2::{Digest, Sha256};

/// 256 bits that cannot be guessed. Three random UUIDs have 366 from the operating system or the
/// browser; `uuid` is used because it finds that source everywhere.
pub(crate) fn random() -> [u8; 32] {
    let mut hash = Sha256::new();
    for _ in 0..3 {
        hash.update(uuid::Uuid::new_v4().as_bytes());
    }
    hash.finalize().into()
}
