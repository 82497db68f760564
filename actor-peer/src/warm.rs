//! Prepares the allocator before there are large messages.
//!
//! glibc requests blocks of more than 128 KiB from the system and returns them when they are
//! freed. After a larger block was freed, it keeps blocks of up to twice that size. Before that,
//! each message of 1 MiB arrives in pages that the system first fills with zeros, which takes
//! longer than copying the message.

use std::hint::black_box;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A call has several copies of its message at once. With a smaller block, those of 1 MiB would
/// be returned to the system between two calls.
const SMALLEST: usize = 4 << 20;

/// glibc does not adapt to larger blocks.
const LARGEST: usize = (32 << 20) - (64 << 10);

/// Allocates and frees a block of the size of the largest message, once per process. From then
/// on, memory of messages is kept, as after the first message of that size. Each thread that had
/// such messages keeps up to twice as much. Nothing is written into the block, so it costs no
/// memory. Other allocators are not affected.
pub(crate) fn warm_up(largest_message: usize) {
    static LEARNED: AtomicUsize = AtomicUsize::new(0);
    let block = largest_message.clamp(SMALLEST, LARGEST);
    if LEARNED.fetch_max(block, Ordering::Relaxed) < block {
        drop(black_box(Vec::<u8>::with_capacity(block)));
    }
}
