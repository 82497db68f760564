//! One hop with payloads of many sizes and types, sent there and back.

mod support;

use std::collections::HashMap;

use bytes::Bytes;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use distributed_scope::{Limits, PeerId, RemoteError, distributed, remote};
use serde::{Deserialize, Serialize};

use support::Pair;

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Order {
    id: u64,
    customer: String,
    lines: Vec<(u32, f64)>,
    note: Option<String>,
}

/// A function for each type: a block has one type for each of its captures.
macro_rules! echoes {
    ($($name:ident: $type:ty;)*) => {
        $(
            #[distributed]
            async fn $name(on: PeerId, value: $type) -> Result<$type, RemoteError> {
                remote!(on, [value], { value }).await
            }
        )*
    };
}

echoes! {
    bytes_vec: Vec<u8>;
    bytes: Bytes;
    text: String;
    floats: Vec<f64>;
    integers: Vec<u64>;
    orders: Vec<Order>;
    map: HashMap<String, f64>;
}

/// As large as the largest size with its header.
fn limits() -> Limits {
    Limits::default().with_max_message(17 << 20)
}

fn sizes(criterion: &mut Criterion) {
    let pair = Pair::new(limits());
    let mut group = criterion.benchmark_group("Vec<u8>");
    group.sample_size(20);
    for exponent in [5, 10, 14, 16, 17, 20, 24] {
        let value = vec![7u8; 1 << exponent];
        group.throughput(Throughput::Bytes(value.len() as u64));
        group.bench_with_input(BenchmarkId::from_parameter(value.len()), &value, |bencher, value| {
            let call = || pair.client.run(bytes_vec(pair.server, value.clone()));
            bencher
                .to_async(&pair)
                .iter(async || assert_eq!(call().await.expect("it answers").len(), value.len()));
        });
    }
    group.finish();
}

fn types(criterion: &mut Criterion) {
    const MIB: usize = 1 << 20;
    let pair = Pair::new(limits());
    let mut group = criterion.benchmark_group("1 MiB");
    group.sample_size(20);
    group.throughput(Throughput::Bytes(MIB as u64));
    macro_rules! one {
        ($name:ident, $title:literal, $value:expr) => {
            let value = $value;
            group.bench_function($title, |bencher| {
                let call = || pair.client.run($name(pair.server, value.clone()));
                bencher.to_async(&pair).iter(async || call().await.expect("it answers"));
            });
        };
    }
    one!(bytes_vec, "Vec<u8>", vec![7u8; MIB]);
    one!(bytes, "Bytes", Bytes::from(vec![7u8; MIB]));
    one!(text, "String", "a".repeat(MIB));
    one!(floats, "Vec<f64>", vec![1.5f64; MIB / 8]);
    one!(integers, "Vec<u64>", vec![u64::MAX; MIB / 9]);
    let order = |id: usize| Order {
        id: id as u64,
        customer: format!("customer {id}"),
        lines: vec![(7, 1.5); 4],
        note: (id.is_multiple_of(2)).then(|| "by noon".to_owned()),
    };
    // 80 bytes each on the wire.
    one!(orders, "structs", (0..MIB / 80).map(order).collect::<Vec<_>>());
    one!(map, "HashMap", (0..MIB / 20).map(|n| (format!("key {n:06}"), 1.5)).collect::<HashMap<_, _>>());
    group.finish();
}

criterion_group!(benches, sizes, types);
criterion_main!(benches);
