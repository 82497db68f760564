//! One call there and back: to the same peer, over a socket, through nested hops, and with many
//! others in flight.

#[allow(dead_code, reason = "other benchmarks use the rest")]
mod support;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use distributed_scope::{Limits, PeerId, RemoteError, distributed, remote};
use futures_util::future::try_join_all;

use support::Pair;

#[distributed]
async fn echo(on: PeerId, value: [u64; 4]) -> Result<[u64; 4], RemoteError> {
    remote!(on, [value], { value }).await
}

#[distributed]
async fn there_and_back(on: PeerId, home: PeerId, value: [u64; 4]) -> Result<[u64; 4], RemoteError> {
    remote!(on, [home, value], { echo(home, value).await? }).await
}

fn round_trips(criterion: &mut Criterion) {
    let pair = Pair::new(Limits::default());
    let (client, server, here) = (&pair.client, pair.server, pair.client.id());
    let value = [1, 2, 3, 4];
    let mut group = criterion.benchmark_group("round trip");
    group.bench_function("to itself", |bencher| {
        bencher.to_async(&pair).iter(|| client.run(echo(here, value)));
    });
    group.bench_function("one hop", |bencher| {
        bencher.to_async(&pair).iter(|| client.run(echo(server, value)));
    });
    group.bench_function("there, back and there", |bencher| {
        bencher.to_async(&pair).iter(|| client.run(there_and_back(server, here, value)));
    });
    group.finish();
}

fn in_flight(criterion: &mut Criterion) {
    let pair = Pair::new(Limits::default());
    let (client, server) = (&pair.client, pair.server);
    let mut group = criterion.benchmark_group("in flight");
    for count in [1u64, 8, 64, 512] {
        group.throughput(Throughput::Elements(count));
        group.bench_function(BenchmarkId::from_parameter(count), |bencher| {
            bencher
                .to_async(&pair)
                .iter(|| client.run(try_join_all((0..count).map(|_| echo(server, [1; 4])))));
        });
    }
    group.finish();
}

criterion_group!(benches, round_trips, in_flight);
criterion_main!(benches);
