//! One call there and back: to oneself, over a socket, and through nested hops.

use actix_rt::{System, SystemRunner};
use actix_web::{App, HttpServer};
use criterion::async_executor::AsyncExecutor;
use criterion::{Criterion, criterion_group, criterion_main};
use distributed_scope::{Blocks, Peer, PeerId, RemoteError, distributed, on_connect, remote};
use futures_util::future::try_join_all;

#[distributed]
async fn echo(on: PeerId, value: [u64; 4]) -> Result<[u64; 4], RemoteError> {
    remote!(on, [value], { value }).await
}

#[distributed]
async fn there_and_back(on: PeerId, home: PeerId, value: [u64; 4]) -> Result<[u64; 4], RemoteError> {
    remote!(on, [home, value], { echo(home, value).await? }).await
}

struct Actix(SystemRunner);

impl AsyncExecutor for &Actix {
    fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        self.0.block_on(future)
    }
}

async fn peers() -> (PeerId, Peer) {
    let server = Peer::builder(PeerId::named("server")).expose(Blocks::all()).start();
    let id = server.id();
    let http = HttpServer::new(move || App::new().service(server.service("/scope")))
        .on_connect(on_connect)
        .workers(1)
        .disable_signals()
        .bind(("127.0.0.1", 0))
        .expect("a free port");
    let address = http.addrs()[0];
    actix_rt::spawn(http.run());
    let client = Peer::builder(PeerId::named("client")).expose(Blocks::all()).start();
    client.connect(format!("ws://{address}/scope")).await.expect("the server was just started");
    (id, client)
}

fn round_trips(criterion: &mut Criterion) {
    let actix = Actix(System::new());
    let (server, client) = actix.0.block_on(peers());
    let (client, here) = (&client, client.id());
    let value = [1, 2, 3, 4];
    let mut group = criterion.benchmark_group("round trip");
    group.bench_function("to itself", |bencher| {
        bencher.to_async(&actix).iter(|| client.run(echo(here, value)));
    });
    group.bench_function("one hop", |bencher| {
        bencher.to_async(&actix).iter(|| client.run(echo(server, value)));
    });
    group.bench_function("there, back and there", |bencher| {
        bencher.to_async(&actix).iter(|| client.run(there_and_back(server, here, value)));
    });
    group.bench_function("64 in flight", |bencher| {
        bencher.to_async(&actix).iter(|| client.run(try_join_all((0..64).map(|_| echo(server, value)))));
    });
    group.finish();
}

criterion_group!(benches, round_trips);
criterion_main!(benches);
