#![deny(unused, unused_variables, unused_mut, unused_imports, unused_must_use, unused_results, unused_qualifications)]
#![deny(let_underscore_drop, trivial_casts, trivial_numeric_casts, unreachable_pub, single_use_lifetimes)]
#![deny(unused_lifetimes, redundant_lifetimes, missing_debug_implementations, rust_2018_idioms, missing_docs)]
#![forbid(unsafe_code, clippy::unwrap_used, clippy::panic)]

//! A crate that denies and forbids much.

use distributed_scope::{PeerId, RemoteError, distributed, here, remote};

/// Documented.
#[distributed]
pub async fn strict<'a>(p: PeerId, mut n: u32, text: &'a str) -> Result<&'a str, RemoteError> {
    n += 1;
    for i in 0..n {
        let Ok(found) = remote!(p, [i], {
            use std::fmt::Write as _;
            const LIMIT: usize = 3;
            let mut text = String::new();
            write!(text, "{i}")?;
            if text.len() > LIMIT {
                return Err("too long".into());
            }
            remote!(here::peer(), [text], { text.len() + LIMIT }).await?
        })
        .await
        else {
            continue;
        };
        if found > 3 {
            break;
        }
    }
    Ok(text)
}

fn main() {
    let _ = strict;
}
