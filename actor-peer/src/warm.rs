//! What the allocator learns before there are large messages.
//!
//! glibc takes blocks of more than 128 KiB from the system and gives them back when they are
//! freed, until a larger block was freed: from then on it keeps what is up to twice as large.
//! Before it has learned that, each message of 1 MiB comes in pages that the system fills with
//! zeros first, which takes longer than to copy it.

use std::hint::black_box;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A call has several copies of its message at once. With less than this, those of 1 MiB would be
/// given back between two calls.
const SMALLEST: usize = 4 << 20;

/// glibc learns nothing from larger ones.
const LARGEST: usize = (32 << 20) - (64 << 10);

/// Takes a block that is as large as the largest message and lets it go, once in each process:
/// what messages are made of is there from then on, as it would be after the first of that size.
/// Up to twice as much is kept by each thread that had such messages. Nothing is written into the
/// block, so it costs no memory; other allocators do not care.
pub(crate) fn warm_up(largest_message: usize) {
    static LEARNED: AtomicUsize = AtomicUsize::new(0);
    let block = largest_message.clamp(SMALLEST, LARGEST);
    if LEARNED.fetch_max(block, Ordering::Relaxed) < block {
        drop(black_box(Vec::<u8>::with_capacity(block)));
    }
}
