//! The cost of the codec compared with bincode alone: each value is decoded, by bincode with a
//! limit of bytes, and encoded.

use std::collections::HashMap;
use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use distributed_scope_core::Codec;
use serde::Serialize;
use serde::de::DeserializeOwned;

fn compare<T: Serialize + DeserializeOwned>(criterion: &mut Criterion, name: &str, value: &T) {
    let bytes = Codec::Bincode.encode(0, value).expect("the values of this file can be encoded");
    let mut group = criterion.benchmark_group("decode");
    group.throughput(Throughput::Bytes(bytes.len() as u64));
    group.bench_with_input(BenchmarkId::new("codec", name), &bytes, |bencher, bytes| {
        bencher.iter(|| Codec::Bincode.decode::<T>(black_box(bytes)).expect("it was encoded above"));
    });
    group.bench_with_input(BenchmarkId::new("bincode", name), &bytes, |bencher, bytes| {
        let config = bincode::config::standard().with_limit::<{ 32 << 20 }>();
        let decode = || bincode::serde::decode_from_slice::<T, _>(black_box(bytes), config);
        bencher.iter(|| decode().expect("it was encoded above"));
    });
    group.finish();
    let mut group = criterion.benchmark_group("encode");
    group.throughput(Throughput::Bytes(bytes.len() as u64));
    group.bench_with_input(BenchmarkId::new("codec", name), value, |bencher, value| {
        bencher.iter(|| Codec::Bincode.encode(0, black_box(value)).expect("it can be encoded"));
    });
    group.bench_with_input(BenchmarkId::new("bincode", name), value, |bencher, value| {
        let encode = || bincode::serde::encode_to_vec(black_box(value), bincode::config::standard());
        bencher.iter(|| encode().expect("it can be encoded"));
    });
}

fn codec(criterion: &mut Criterion) {
    compare(criterion, "[u64; 4]", &[[1u64, 300, 70_000, u64::MAX]]);
    compare(criterion, "Vec<u8> of 1 MiB", &vec![7u8; 1 << 20]);
    let texts: Vec<String> = (0..1000).map(|n| format!("text number {n}")).collect();
    compare(criterion, "1000 String", &texts);
    compare(criterion, "Vec<f64> of 1 MiB", &vec![1.5f64; 1 << 17]);
    let map: HashMap<String, Vec<f64>> =
        texts.iter().take(100).map(|text| (text.clone(), vec![1.5; 32])).collect();
    compare(criterion, "HashMap<String, Vec<f64>>", &map);
    let options: Vec<(u32, Option<f64>)> = (0..10_000).map(|n| (n, (n % 2 == 0).then_some(0.5))).collect();
    compare(criterion, "10000 (u32, Option<f64>)", &options);
}

criterion_group!(benches, codec);
criterion_main!(benches);
