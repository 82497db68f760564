//! What the allocator learns before there are large messages.
//!
//! glibc takes blocks of more than 128 KiB from the system and gives them back when they are freed, until a larger block was freed: from then on it
//! keeps what is up to twice as large. Before it has learned that, each message of 1 MiB comes in pages that the system fills with zeros first,
//! which takes longer than to copy it.

use std::hint::black_box;
use std::sync::Once;

/// Messages up to this size are made of memory that is there. Up to twice as much of it is kept, by each thread that had such a message.
const BLOCK: usize = 4 << 20;

/// Takes such a block and lets it go, once in each process. Nothing is written into it, so it costs no memory; other allocators do not care.
pub(crate) fn warm_up() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| drop(black_box(Vec::<u8>::with_capacity(BLOCK))));
}
