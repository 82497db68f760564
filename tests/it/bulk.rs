//! Bytes in bulk: downloads and uploads of any size, with the same memory for all sizes.

use std::error::Error;
use std::hash::{DefaultHasher, Hasher};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use distributed_scope::{
    Blocks, Bytes, Peer, PeerId, Receiver, RemoteError, StreamError, StreamErrorKind, distributed,
    from_async_read, here, into_async_read, remote, try_streamed,
};
use tokio::io::{AsyncRead, AsyncReadExt, ReadBuf};
use tokio::sync::Notify;

use crate::process::{Process, say_where};
use crate::support::{Listening, open, pair};

const NAME: &str = "DISTRIBUTED_SCOPE_TEST_BULK";

/// What is read from it repeats after a prime number of bytes, so that items differ.
struct Pattern {
    block: Vec<u8>,
    at: usize,
    left: u64,
}

impl Pattern {
    fn new(size: u64) -> Self {
        Self { block: (0..65_521_u32).map(|n| (n % 251) as u8).collect(), at: 0, left: size }
    }
}

impl AsyncRead for Pattern {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Self { block, at, left } = &mut *self;
        let count = (block.len() - *at).min(into.remaining()).min(usize::try_from(*left).unwrap());
        into.put_slice(&block[*at..*at + count]);
        *at = (*at + count) % block.len();
        *left -= count as u64;
        Poll::Ready(Ok(()))
    }
}

/// The size and a checksum of what is read.
async fn read_all(mut from: impl AsyncRead + Unpin) -> io::Result<(u64, u64)> {
    let (mut size, mut sum) = (0, DefaultHasher::new());
    let mut part = vec![0; 100_000];
    loop {
        let count = from.read(&mut part).await?;
        if count == 0 {
            return Ok((size, sum.finish()));
        }
        size += count as u64;
        sum.write(&part[..count]);
    }
}

#[distributed]
async fn download(from: PeerId, size: u64) -> Result<Receiver<Bytes>, RemoteError> {
    remote!(from, [size], { try_streamed(from_async_read(Pattern::new(size))) }).await
}

#[distributed]
async fn upload(to: PeerId, bytes: Receiver<Bytes>) -> Result<(u64, u64), RemoteError> {
    remote!(to, [bytes], { read_all(into_async_read(bytes)).await? }).without_timeout().await
}

/// Copies this many bytes each way, and checks what has arrived.
async fn copy_both_ways(client: &Peer, server: PeerId, size: u64) {
    let expected = read_all(Pattern::new(size)).await.unwrap();
    let bytes = client.run(download(server, size)).await.unwrap();
    assert_eq!(read_all(into_async_read(bytes)).await.unwrap(), expected);
    let stored = client
        .run(async { upload(server, try_streamed(from_async_read(Pattern::new(size)))).await })
        .await
        .unwrap();
    assert_eq!(stored, expected);
}

/// All bytes arrive in order, of any number.
#[actix_web::test]
async fn copies_are_equal() {
    let (server, client) = pair().await;
    for size in [0, 1, 60 << 10, (60 << 10) + 1, 3_000_000] {
        copy_both_ways(&client, server.peer.id(), size).await;
        copy_both_ways(&client, client.id(), size).await;
    }
}

/// Does nothing in an ordinary run: it is what the other process runs.
#[actix_web::test]
async fn the_copying_process() {
    let Ok(name) = std::env::var(NAME) else { return };
    let server = Listening::start(Peer::builder(PeerId::named(&name)).expose(Blocks::all()));
    say_where(&server.url());
    std::future::pending::<()>().await;
}

/// The most memory that a process has had, in KiB.
#[cfg(target_os = "linux")]
fn peak(process: &Process) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.id())).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    peak.split_whitespace().next().unwrap().parse().unwrap()
}

/// 64 MiB each way cost a process as much memory as 2 MiB do.
#[cfg(target_os = "linux")]
#[actix_web::test]
async fn memory_is_the_same_for_any_size() {
    let client = open().start();
    let name = format!("bulk {}", client.id());
    let (process, url) = Process::start_server("bulk::the_copying_process", &[(NAME, &name)]);
    let server = client.connect(url.as_str()).await.unwrap();
    copy_both_ways(&client, server, 2 << 20).await;
    let before = peak(&process);
    copy_both_ways(&client, server, 64 << 20).await;
    let grown = peak(&process) - before;
    assert!(grown < 8 << 10, "{grown} KiB more for 64 MiB each way");
}

/// An error of what is read arrives as an error of the reader, with its causes, after all bytes
/// before it.
#[actix_web::test]
async fn error_of_the_file_arrives() {
    struct Broken;
    impl AsyncRead for Broken {
        fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Err(io::Error::other("the disk is gone")))
        }
    }
    #[distributed]
    async fn broken(from: PeerId) -> Result<Receiver<Bytes>, RemoteError> {
        remote!(from, [], { try_streamed(from_async_read(Pattern::new(100_000).chain(Broken))) }).await
    }
    let (server, client) = pair().await;
    let bytes = client.run(broken(server.peer.id())).await.unwrap();
    let mut copy = Vec::new();
    let error = into_async_read(bytes).read_to_end(&mut copy).await.unwrap_err();
    assert_eq!((error.kind(), copy.len()), (io::ErrorKind::Other, 100_000));
    let inner = error.get_ref().unwrap().downcast_ref::<StreamError>().unwrap();
    assert_eq!(inner.kind(), StreamErrorKind::Raised);
    let cause = inner.source().unwrap().source().unwrap();
    assert!(cause.to_string().contains("the disk is gone"), "{error:?}");

    // The same for an upload: the block gets the error, and so does its caller.
    let error = client
        .run(async { upload(server.peer.id(), try_streamed(from_async_read(Broken))).await })
        .await
        .unwrap_err();
    assert!(format!("{error:#}").contains("the disk is gone"), "{error:#}");
}

/// A download that is no longer read closes its file.
#[actix_web::test]
async fn dropped_download_closes_its_file() {
    struct File(Pattern, Arc<Notify>);
    impl Drop for File {
        fn drop(&mut self) {
            self.1.notify_one();
        }
    }
    impl AsyncRead for File {
        fn poll_read(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            into: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            Pin::new(&mut self.0).poll_read(cx, into)
        }
    }
    #[distributed]
    async fn file(from: PeerId) -> Result<Receiver<Bytes>, RemoteError> {
        remote!(from, [], {
            let closed = here::data::<Notify>()?;
            try_streamed(from_async_read(File(Pattern::new(u64::MAX >> 1), closed)))
        })
        .await
    }
    let closed = Arc::new(Notify::new());
    let server = Listening::start(open().shared_data(Arc::clone(&closed)));
    let client = open().start();
    client.connect(server.url()).await.unwrap();
    let mut reader = into_async_read(client.run(file(server.peer.id())).await.unwrap());
    let mut part = vec![0; 1_000_000];
    reader.read_exact(&mut part).await.unwrap();
    drop(reader);
    closed.notified().await;
}
