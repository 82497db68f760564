//! How long it takes to connect, and to resume after the connection was cut.

#[allow(dead_code, reason = "other benchmarks use the rest")]
mod support;

use std::time::{Duration, Instant};

use actix_rt::System;
use actix_rt::net::TcpStream;
use criterion::{Criterion, criterion_group, criterion_main};
use distributed_scope::{Limits, PeerId, RemoteError, distributed, remote};
use tokio::io::copy_bidirectional;
use tokio::net::TcpListener;
use tokio::sync::watch;

use support::{peer, serve, url};

#[distributed]
async fn echo(on: PeerId, value: u64) -> Result<u64, RemoteError> {
    remote!(on, [value], { value }).await
}

fn connect(criterion: &mut Criterion) {
    let system = System::new();
    // More connects come from here in a second than a server expects.
    let limits =
        Limits::default().with_max_handshakes_per_second(u32::MAX).with_max_sessions_per_address(usize::MAX);
    let (server, port) = system.block_on(async { serve(limits) });
    criterion.bench_function("connect and the first answer", |bencher| {
        bencher.iter_custom(|times| {
            system.block_on(async {
                let mut elapsed = Duration::ZERO;
                for _ in 0..times {
                    let client = peer("client", Limits::default());
                    let started = Instant::now();
                    client.connect(url(port)).await.expect("the server is there");
                    assert_eq!(client.run(echo(server, 7)).await.expect("it answers"), 7);
                    elapsed += started.elapsed();
                    client.stop().await;
                }
                elapsed
            })
        });
    });
}

/// Carries connections to `port` until it is asked to cut the open ones.
async fn proxy(port: u16, cut: watch::Receiver<u64>) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
    let own = listener.local_addr().expect("it is bound").port();
    actix_rt::spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            let mut cut = cut.clone();
            cut.mark_unchanged();
            actix_rt::spawn(async move {
                let mut far = TcpStream::connect(("127.0.0.1", port)).await.expect("the server is there");
                // Whatever they have to wait for is not what is measured here.
                let _ = (near.set_nodelay(true), far.set_nodelay(true));
                tokio::select! {
                    _ = copy_bidirectional(&mut near, &mut far) => {}
                    _ = cut.changed() => {}
                }
            });
        }
    });
    own
}

fn resume(criterion: &mut Criterion) {
    let system = System::new();
    // What is measured is the work, not the pause before it.
    let limits = Limits::default().with_reconnect_delay(Duration::from_micros(1));
    let (cut, is_cut) = watch::channel(0);
    let (client, server) = system.block_on(async {
        let (server, port) = serve(limits.clone());
        let client = peer("client", limits);
        client.connect(url(proxy(port, is_cut).await)).await.expect("the server is there");
        (client, server)
    });
    criterion.bench_function("resume after a cut, and the next answer", |bencher| {
        bencher.iter_custom(|times| {
            system.block_on(async {
                let mut elapsed = Duration::ZERO;
                for _ in 0..times {
                    let started = Instant::now();
                    cut.send_modify(|count| *count += 1);
                    while client.peers().contains(&server) {
                        tokio::task::yield_now().await;
                    }
                    assert_eq!(client.run(echo(server, 7)).await.expect("it answers"), 7);
                    elapsed += started.elapsed();
                }
                elapsed
            })
        });
    });
}

criterion_group!(benches, connect, resume);
criterion_main!(benches);
