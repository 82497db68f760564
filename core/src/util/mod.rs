//! What has nothing to do with peers: time, randomness, hashes, rates, flags.

pub(crate) mod bulk_copy;
pub(crate) mod flag;
pub(crate) mod fnv;
pub mod guard;
pub(crate) mod keyed_hash;
pub(crate) mod lock;
pub(crate) mod log_limit;
pub(crate) mod random;
pub(crate) mod shown;
pub(crate) mod sorted;
pub(crate) mod time;
pub(crate) mod token_bucket;
