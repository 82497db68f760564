#![deny(warnings)]

use std::cell::Cell;
use std::rc::Rc;

use distributed_scope::{PeerId, RemoteError, distributed, here, remote};

#[distributed]
async fn computes(p: PeerId, text: String, n: u32) -> Result<(u32, Option<u32>), RemoteError> {
    let sum = remote!(p, [text, n], #[block(blocking)] {
        // What is made in the block need not be `Send`.
        let counted = Rc::new(Cell::new(0_u32));
        for word in text.split(' ') {
            counted.set(counted.get() + word.parse::<u32>()?);
        }
        if counted.get() > n {
            return Err(format!("too much for {}", here::peer()).into());
        }
        counted.get()
    })
    .await?;
    let declared = remote!(p, [sum] -> Option<u32>, #[cfg(all())] #[block(name = "twice", blocking)] {
        sum.checked_mul(2)
    })
    .await?;
    remote!(p, [], #[block(blocking, require = anybody)] {}).await?;
    Ok((sum, declared))
}

struct Service;

#[distributed(exact)]
impl Service {
    const LIMIT: u32 = 7;

    async fn limit(&self, p: PeerId) -> Result<u32, RemoteError> {
        remote!(p, [], #[block(blocking)] { Self::LIMIT }).await
    }
}

fn main() {
    let _ = (computes, Service::limit);
}
