#![deny(warnings)]

//! Patterns, lifetimes, results and attributes of all kinds.

use distributed_scope::{PeerId, RemoteError, distributed, remote};

#[distributed]
async fn patterns(
    mut n: u32,
    (a, b): (u8, String),
    [x, ..]: [u8; 2],
    _: &[u8],
    p: PeerId,
) -> Result<u32, RemoteError> {
    n += u32::from(a) + u32::from(x);
    remote!(p, [n, b], { n + b.len() as u32 }).await
}

#[distributed]
async fn lifetimes<'a, 'b: 'a>(p: PeerId, a: &'a str, b: &'b str) -> Result<&'a str, RemoteError>
where
    'b: 'a,
{
    let c: &'a str = b;
    Ok(if remote!(p, [], { true }).await? { a } else { c })
}

#[distributed]
async fn elided(p: PeerId, a: &[u8]) -> Result<&u8, Box<dyn std::error::Error>> {
    let index = remote!(p, [], { 0_usize }).await?;
    a.get(index).ok_or_else(|| "empty".into())
}

#[distributed]
async fn nothing(p: PeerId) {
    let _ = remote!(p, [], {}).await;
}

#[distributed]
async fn object(p: PeerId) -> Box<dyn std::fmt::Debug> {
    let _ = remote!(p, [], {}).await;
    Box::new(1)
}

/// Documented.
#[distributed]
#[must_use = "because"]
pub(crate) async fn attributes(#[allow(unused)] unused: u8, p: PeerId) -> bool {
    #![allow(unused_mut)]
    let mut x = 1;
    remote!(p, [x], { x == 1 }).await.is_ok()
}

#[distributed]
async fn without_blocks<T: Clone>(t: &T) -> T {
    t.clone()
}

fn main() {
    let _ = (patterns, lifetimes, elided, nothing, attributes, object, without_blocks::<u8>);
}
