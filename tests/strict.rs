//! A crate that denies and forbids as many lints as possible, with blocks in all positions. clippy
//! checks it like every other test, and the output of the macros must not cause a lint.

#![deny(warnings, clippy::all, clippy::pedantic, clippy::nursery)]
#![deny(
    unused,
    unused_results,
    unused_lifetimes,
    let_underscore_drop,
    missing_debug_implementations,
    trivial_casts
)]
#![forbid(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::todo)]
#![allow(clippy::future_not_send, reason = "blocks and what awaits them need not be")]

use std::fmt::Write as _;

use distributed_scope::{Call, Peer, PeerId, RemoteError, distributed, here, remote};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Pair<A, B = u8> {
    a: A,
    b: B,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Marked<const N: u32> {
    at: u32,
}

#[distributed]
async fn in_loops(on: PeerId, n: u32) -> Result<u32, RemoteError> {
    let mut sum = 0;
    'outer: for i in 0..n {
        for j in 1..=i {
            let found = remote!(on, [i, j], {
                let mut found = None;
                'find: for a in 1..=i {
                    for b in 1..=j {
                        if a * b == 6 {
                            found = Some((a, b));
                            break 'find;
                        }
                    }
                }
                found
            })
            .await?;
            let Some((a, b)) = found else { continue };
            sum += a + b;
            if sum > 100 {
                break 'outer;
            }
        }
    }
    Ok(sum)
}

#[distributed]
async fn in_closures_and_macros(on: PeerId, list: Vec<u32>) -> Result<Vec<u32>, RemoteError> {
    let double = async |x: u32| remote!(on, [x], { x * 2 }).await;
    let calls = list.iter().map(|x| remote!(on, [x = *x], { x + 1 }));
    let mut all = futures_util::future::try_join_all(calls).await?;
    all.push(double(3).await?);
    let (one, two) = tokio::join!(remote!(on, [], { 1 }), remote!(on, [], { 2 }));
    all.extend([one?, two?]);
    let more: Vec<Call<u32>> = vec![remote!(on, [list], { list.iter().sum() }), remote!(on, [], { 7 })];
    for call in more {
        all.push(call.await?);
    }
    Ok(all)
}

#[distributed]
async fn with_patterns(
    on: PeerId,
    (a, b): (u32, Vec<String>),
    text: &str,
) -> Result<(Pair<Pair<u32>, Vec<String>>, &str), RemoteError> {
    let (pair, marked) = (Pair { a: Pair { a, b: 1 }, b }, Marked::<3> { at: a });
    let Ok(sum) = remote!(on, [marked, text = text.to_owned()], {
        let mut written = String::new();
        write!(written, "{text}{}", marked.at)?;
        let Marked::<3> { at } = marked;
        remote!(here::peer(), [written, at], { u32::try_from(written.len())? + at }).await?
    })
    .await
    else {
        return Ok((remote!(on, [pair], { pair }).await?, text));
    };
    let r#type = sum + 1;
    let pair = remote!(on, [r#type, pair], { Pair { a: Pair { a: r#type, ..pair.a }, ..pair } }).await?;
    Ok((pair, text))
}

#[distributed]
async fn factorial(one: PeerId, other: PeerId, n: u64) -> Result<u64, RemoteError> {
    if n < 2 {
        return Ok(1);
    }
    remote!(one, [one, other, n], { n * factorial(other, one, n - 1).await? }).await
}

#[actix_web::test]
async fn what_a_strict_crate_writes_runs() -> Result<(), RemoteError> {
    let peer = Peer::builder(PeerId::random()).start();
    let on = peer.id();
    assert_eq!(peer.run(in_loops(on, 5)).await?, 25);
    assert_eq!(peer.run(in_closures_and_macros(on, vec![1, 2])).await?, [2, 3, 6, 1, 2, 3, 7]);
    let (pair, text) = peer.run(with_patterns(on, (4, vec!["x".to_owned()]), "text")).await?;
    assert_eq!((pair.a, pair.b, text), (Pair { a: 10, b: 1 }, vec!["x".to_owned()], "text"));
    assert_eq!(peer.run(factorial(on, on, 5)).await?, 120);
    Ok(())
}
