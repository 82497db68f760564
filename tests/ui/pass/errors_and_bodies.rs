#![deny(warnings)]

//! What `?` takes in a block, and a body that is not `Send`.

use std::rc::Rc;

use distributed_scope::{PeerId, RemoteError, distributed, remote};

#[distributed]
async fn errors(p: PeerId, text: String) -> Result<u32, RemoteError> {
    remote!(p, [p, text], {
        let n: u32 = text.parse()?;
        let found = text.strip_prefix("x").ok_or("no x")?;
        let owned = text.strip_prefix(found).ok_or_else(|| format!("no {found}"))?;
        let any = anyhow::Context::context(owned.parse::<u32>(), "any")?;
        if any == 7 {
            Err(anyhow::anyhow!("seven"))?;
        }
        if any == 8 {
            return Err("eight".into());
        }
        let shared = Rc::new(n);
        let hop = remote!(p, [n], { n }).await?;
        *shared + hop
    })
    .await
}

fn is_send(_: impl Send) {}

fn main() {
    is_send(errors(PeerId::random(), String::new()));
}
