//! What the worst messages make a peer allocate, counted by the allocator.
//!
//! The messages, and the additional memory that their values may take, are an eighth of those of
//! `cargo bench --bench hostile`, because nothing is optimized here.

#[path = "support/hostile_values.rs"]
mod hostile_values;

use allocation_counter::measure;
use distributed_scope_core::Limits;
use hostile_values::{Case, compact, messages, wide};

const LENGTH: usize = 1 << 17;

/// Decodes each message as each type, and compares the most heap that was taken at once with the
/// limit.
#[track_caller]
fn assert_peak(cases: &[Case], limit: usize) {
    let (messages, memory) = (messages(LENGTH), Limits::default().max_decode_memory / 8);
    for Case { name, decode } in cases {
        let mut allocated = 0;
        for (message, bytes) in &messages {
            assert_eq!(bytes.len(), LENGTH);
            let heap = measure(|| _ = decode(memory, bytes));
            assert!(
                heap.bytes_max <= limit as u64,
                "{LENGTH} bytes of {message} as {name} took {} bytes at once",
                heap.bytes_max
            );
            allocated += heap.bytes_total;
        }
        // Units have no size.
        assert!(allocated > 0 || name.contains("()"), "no message reaches {name}");
    }
}

/// serde makes room for 1 MiB of elements before it has seen one, and a `HashMap` for twice as
/// much.
const RESERVED: usize = (2 << 20) + (1 << 17);

#[test]
fn a_hostile_message_takes_a_few_times_its_size_of_heap_where_the_type_permits() {
    assert_peak(&compact(), 4 * LENGTH + RESERVED);
}

/// What the budget allows, three times: a `Vec` that grows has its old room and twice as much.
#[test]
fn a_hostile_message_takes_a_bounded_heap_whatever_the_type() {
    assert_peak(&wide(), 3 * (8 + 24) * LENGTH + RESERVED);
}
