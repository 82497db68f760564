//! The cost of the worst messages of 1 MiB and of 16 MiB. It reports the time of this thread: the
//! least of several runs, because other work of the machine only increases it. It also reports the
//! peak heap. Each type gets the message that is worst for it. Run it with `cargo bench -p
//! distributed-scope-core --bench hostile`.

#[path = "../tests/support/hostile_values.rs"]
mod hostile_values;

use std::time::Duration;

use allocation_counter::measure;
use distributed_scope_core::Limits;
use hostile_values::{Case, compact, messages, wide};

/// What this thread has had of a processor.
#[cfg(unix)]
fn time_spent() -> Duration {
    use rustix::time::{ClockId, clock_gettime};
    clock_gettime(ClockId::ThreadCPUTime).try_into().unwrap_or_default()
}

#[cfg(not(unix))]
fn time_spent() -> Duration {
    static BEGAN: std::sync::LazyLock<std::time::Instant> = std::sync::LazyLock::new(std::time::Instant::now);
    BEGAN.elapsed()
}

/// The figures of one type.
#[derive(Default)]
struct Worst {
    time: (Duration, &'static str),
    heap: (u64, &'static str),
}

fn worst(case: &Case, messages: &[(&'static str, Vec<u8>)], runs: u32) -> Worst {
    let memory = Limits::default().max_decode_memory;
    let mut worst = Worst::default();
    for (message, bytes) in messages {
        let heap = measure(|| _ = (case.decode)(memory, bytes)).bytes_max;
        worst.heap = worst.heap.max((heap, message));
        let run = || {
            let began = time_spent();
            (case.decode)(memory, bytes);
            time_spent().saturating_sub(began)
        };
        let shortest = (0..runs).map(|_| run()).min().unwrap_or_default();
        worst.time = worst.time.max((shortest, message));
    }
    worst
}

#[expect(clippy::print_stdout, reason = "the table is what this program is for")]
fn table(size: usize, runs: u32) {
    let messages = messages(size << 20);
    println!("| {size} MiB as | longest | of | most heap | of |\n|---|---|---|---|---|");
    let (mut time, mut heap) = (Duration::ZERO, 0);
    for case in compact().iter().chain(&wide()) {
        let worst = worst(case, &messages, runs);
        let mebibytes = |bytes: u64| bytes as f64 / f64::from(1 << 20);
        println!(
            "| `{}` | {:.1} ms | {} | {:.1} MiB | {} |",
            case.name,
            worst.time.0.as_secs_f64() * 1000.0,
            worst.time.1,
            mebibytes(worst.heap.0),
            worst.heap.1,
        );
        (time, heap) = (time.max(worst.time.0), heap.max(worst.heap.0));
    }
    println!("\nlongest {time:.1?}, most heap {:.1} MiB\n", heap as f64 / f64::from(1 << 20));
}

fn main() {
    table(1, 5);
    table(16, 2);
}
