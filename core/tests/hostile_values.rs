//! What the worst messages of 1 MiB make a peer allocate, counted by the allocator.

#[path = "support/hostile_values.rs"]
mod hostile_values;

use allocation_counter::measure;
use hostile_values::{Case, LENGTH, compact, messages, wide};

const MIB: u64 = 1 << 20;

/// Decodes each message as each type, and compares the most heap that was taken at once with the limit.
#[track_caller]
fn assert_peak(cases: &[Case], limit: u64) {
    // Every second one, as this is slow where nothing is optimized; the benchmark takes all.
    let messages: Vec<_> = messages().into_iter().step_by(2).collect();
    for Case { name, decode } in cases {
        let mut allocated = 0;
        for (message, bytes) in &messages {
            assert_eq!(bytes.len(), LENGTH);
            let heap = measure(|| _ = decode(bytes));
            assert!(
                heap.bytes_max <= limit,
                "1 MiB of {message} as {name} took {} bytes at once",
                heap.bytes_max
            );
            allocated += heap.bytes_total;
        }
        // Units have no size.
        assert!(allocated > 0 || name.contains("()"), "no message reaches {name}");
    }
}

#[test]
fn a_hostile_mebibyte_takes_at_most_four_of_heap_where_the_type_permits() {
    assert_peak(&compact(), 4 * MIB);
}

/// What the budget allows, three times: a `Vec` that grows has its old room and twice as much.
#[test]
fn a_hostile_mebibyte_takes_a_bounded_heap_whatever_the_type() {
    assert_peak(&wide(), 3 * (8 + 24) * MIB);
}
