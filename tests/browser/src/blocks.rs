//! The functions. A page and a program are built from this one file.

use demo_seed::seed;
use distributed_scope::{Bytes, PeerId, Receiver, RemoteError, distributed, here, remote};

/// What a server's block, and nothing that a page loads, contains.
pub const SECRET: &str = concat!("the pass", "word of the database is 7f3a");

/// The functions that can be run by name, from either side.
pub const NAMES: [&str; 7] =
    ["demo", "lazy", "back and forth", "megabyte", "too many megabytes", "secret", "computes"];

/// Runs one of them between this peer and the server.
///
/// # Errors
///
/// When a call fails, or when there is no function of this name.
pub async fn run(name: &str, server: PeerId, me: PeerId) -> Result<String, RemoteError> {
    Ok(match name {
        "demo" => seed::show(&seed::demo(server, me).await?),
        "lazy" => format!("{:?}", seed::demo_lazy(server, me).await?),
        "back and forth" => back_and_forth(server, me, 8).await?,
        "megabyte" => megabytes(server, me, 1).await?,
        "too many megabytes" => megabytes(server, me, 12).await?,
        "secret" => secret(server, "open".into()).await?,
        "computes" => computes(server, me, 1000).await?,
        "only in pages" => only_in_pages(server).await?,
        "skewed" => skewed(server).await?,
        "waits" => waits(server).await?,
        "waits, idempotent" => waits_idempotent(server).await?,
        _ => format!("there is no function `{name}`"),
    })
}

/// Each hop calls the next one, from one peer to the other, and the way back leads through all of
/// them.
#[distributed]
pub async fn back_and_forth(to: PeerId, then: PeerId, hops: u8) -> Result<String, RemoteError> {
    remote!(to, [to, then, hops], {
        let rest = match hops {
            1 => String::new(),
            _ => back_and_forth(then, to, hops - 1).await?,
        };
        format!("{}{rest}", if here::peer() == to { '>' } else { '?' })
    })
    .await
}

/// Sends many megabytes at once: each goes to the server, which sends it to this peer, which sends
/// it back. Those that do not fit into a queue are refused, and the others arrive.
#[distributed]
pub async fn megabytes(server: PeerId, me: PeerId, count: u8) -> Result<String, RemoteError> {
    let mut running = Vec::new();
    for seed in 0..count {
        let bytes: Vec<u8> = (0..1 << 20).map(|index: u32| (index % 251) as u8 ^ seed).collect();
        let call = remote!(server, [me, bytes], {
            let back = remote!(me, [bytes], { bytes }).await?;
            (bytes == back, back)
        });
        running.push((bytes, call.without_timeout().spawn()));
    }
    let (mut right, mut refused, mut wrong) = (0, 0, 0);
    for (bytes, call) in running {
        match call.await {
            Ok((true, back)) if bytes == back => right += 1,
            Err(error) if error.to_string().contains("Limits::max_queued_bytes") => refused += 1,
            _ => wrong += 1,
        }
    }
    Ok(if count > 4 {
        format!("{} came back as they went or were refused, {wrong} did not", right + refused)
    } else {
        format!("{right} came back as they went, {} did not", refused + wrong)
    })
}

/// A block whose body is on the server alone.
#[distributed]
pub async fn secret(server: PeerId, word: String) -> Result<String, RemoteError> {
    remote!(server, [word: String] -> String, #[cfg(not(target_family = "wasm"))] {
        format!("{word}: {} bytes", SECRET.len())
    })
    .await
}

/// A block that no program but a page's has.
#[cfg(target_family = "wasm")]
#[distributed]
pub async fn only_in_pages(server: PeerId) -> Result<String, RemoteError> {
    remote!(server, [], { "it ran".to_owned() }).await
}

/// A program does not have it.
#[cfg(not(target_family = "wasm"))]
pub async fn only_in_pages(_: PeerId) -> Result<String, RemoteError> {
    Ok("there is no such block here".into())
}

/// Takes an upload. Returns the number of bytes, and whether they are those of [`pattern`].
#[distributed]
pub async fn upload(server: PeerId, bytes: Receiver<Bytes>) -> Result<(u64, bool), RemoteError> {
    let call = remote!(server, [bytes: Receiver<Bytes>] -> (u64, bool), #[cfg(not(target_family = "wasm"))] {
        let mut bytes = bytes;
        let (mut size, mut is_right) = (0, true);
        while let Some(item) = bytes.recv().await? {
            is_right &= item.iter().zip(size..).all(|(byte, at)| *byte == pattern(at));
            size += item.len() as u64;
        }
        (size, is_right)
    });
    call.without_timeout().await
}

/// The bytes of an upload.
#[must_use]
pub fn pattern(at: u64) -> u8 {
    (at % 251) as u8
}

/// A block that a page has in one version: its body counts.
#[cfg(target_family = "wasm")]
#[distributed(exact)]
pub async fn skewed(server: PeerId) -> Result<String, RemoteError> {
    remote!(server, [], { "the page's version".to_owned() }).await
}

/// A block that a program has in another version.
#[cfg(not(target_family = "wasm"))]
#[distributed(exact)]
pub async fn skewed(server: PeerId) -> Result<String, RemoteError> {
    remote!(server, [], { "the program's version".to_owned() }).await
}

/// What the server's waiting blocks wait for, and how often one began.
#[cfg(not(target_family = "wasm"))]
#[derive(Debug, Default)]
pub struct Gate {
    begun: std::sync::atomic::AtomicUsize,
    /// Told when one began.
    pub has_begun: tokio::sync::Notify,
    /// Lets one of them end.
    pub open: tokio::sync::Notify,
}

#[cfg(not(target_family = "wasm"))]
impl Gate {
    /// How many have begun.
    pub fn begun(&self) -> usize {
        self.begun.load(std::sync::atomic::Ordering::SeqCst)
    }

    /// Waits until it is opened.
    pub async fn wait(&self) {
        self.begun.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        self.has_begun.notify_one();
        self.open.notified().await;
    }
}

/// A block that ends when the server's gate is opened.
#[distributed]
pub async fn waits(server: PeerId) -> Result<String, RemoteError> {
    remote!(server, [] -> String, #[cfg(not(target_family = "wasm"))] {
        let gate = here::data::<Gate>()?;
        gate.wait().await;
        format!("ran {} times", gate.begun())
    })
    .without_timeout()
    .await
}

/// The same, which may be run again when its server is another one.
#[distributed]
pub async fn waits_idempotent(server: PeerId) -> Result<String, RemoteError> {
    let call = remote!(server, [] -> String, #[cfg(not(target_family = "wasm"))] {
        let gate = here::data::<Gate>()?;
        gate.wait().await;
        format!("ran {} times", gate.begun())
    });
    call.without_timeout().idempotent().await
}

/// A block that computes, on both peers: on the blocking pool of a program, and in place in a
/// page.
#[distributed]
pub async fn computes(to: PeerId, then: PeerId, n: u64) -> Result<String, RemoteError> {
    let mut sums = Vec::new();
    for on in [to, then] {
        let sum = remote!(
            on,
            [on, n],
            #[block(blocking)]
            {
                assert_eq!(here::peer(), on);
                (1..=n).sum::<u64>()
            }
        );
        sums.push(sum.await?);
    }
    Ok(format!("{sums:?}"))
}

/// Counts the blocks that ran on this thread.
#[cfg(target_family = "wasm")]
fn number() -> u64 {
    thread_local!(static NUMBER: std::cell::Cell<u64> = const { std::cell::Cell::new(0) });
    NUMBER.set(NUMBER.get() + 1);
    NUMBER.get()
}

/// Three blocks of a page, of which the second one is a blocking one: the page runs each of them
/// in its turn. Returns their numbers, in the order in which they were called.
#[distributed]
pub async fn page_runs_in_order(page: PeerId) -> Result<[u64; 3], RemoteError> {
    let first = remote!(page, [] -> u64, #[cfg(target_family = "wasm")] { number() }).spawn();
    let second =
        remote!(page, [] -> u64, #[block(blocking)] #[cfg(target_family = "wasm")] { number() }).spawn();
    let third = remote!(page, [] -> u64, #[cfg(target_family = "wasm")] { number() }).spawn();
    Ok([first.await?, second.await?, third.await?])
}

/// A blocking block of a page that panics, called by the server.
#[distributed]
pub async fn page_panics_in_blocking(page: PeerId) -> Result<(), RemoteError> {
    let call = remote!(
        page,
        [page],
        #[block(blocking)]
        {
            assert_ne!(here::peer(), page, "on purpose")
        }
    );
    call.without_timeout().await
}

/// A block of a page that waits for ever, called by the server.
#[distributed]
pub async fn page_waits(page: PeerId) -> Result<(), RemoteError> {
    remote!(page, [], { std::future::pending::<()>().await }).without_timeout().await
}

/// A block of a page that panics, called by the server.
#[distributed]
pub async fn page_panics(page: PeerId) -> Result<(), RemoteError> {
    remote!(page, [page], { assert_ne!(here::peer(), page, "on purpose") }).without_timeout().await
}
