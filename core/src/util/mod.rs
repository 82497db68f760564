//! What has nothing to do with peers: time, randomness, hashes, rates, flags.

/// In a page, `Debug` of these errors is their text. What is derived would be a fiftieth of what a
/// page loads, and formats what hardly any page prints.
macro_rules! text_is_debug {
    ($($type:ty),* $(,)?) => {
        $(
            #[cfg(target_family = "wasm")]
            impl std::fmt::Debug for $type {
                fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    std::fmt::Display::fmt(self, f)
                }
            }
        )*
    };
}

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
