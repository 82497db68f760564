// By their own names, and not with a group of theirs.
#![deny(unused_variables, unused_must_use, unused_results, unused_imports)]

use distributed_scope::{PeerId, RemoteError, distributed, remote};

#[distributed]
async fn demo(p: PeerId, a: u32) -> Result<u32, RemoteError> {
    let outside = 1;
    String::from("outside");
    remote!(p, [p, a], {
        use std::fmt::Write as _;
        let inside = 1;
        String::from("inside");
        let mut text = String::new();
        write!(text, "{a}")?;
        remote!(p, [text], {
            let deep = 1;
            text.parse::<u32>()?
        })
        .await?
    })
    .await
}

fn main() {}
