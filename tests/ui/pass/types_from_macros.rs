//! A type that comes as a fragment of a `macro_rules!`.

use distributed_scope::{PeerId, RemoteError, distributed, remote};

struct Api {
    k: u8,
}

struct Other {
    k: u8,
}

macro_rules! by_type {
    ($ty:ty) => {
        #[distributed]
        impl $ty {
            async fn plain(&self, p: PeerId) -> Result<u8, RemoteError> {
                remote!(p, [x = self.k], { x }).await
            }
        }
    };
}

macro_rules! by_path {
    ($ty:path) => {
        #[distributed]
        impl $ty {
            async fn plain(&self, p: PeerId) -> Result<u8, RemoteError> {
                remote!(p, [x = self.k], { x }).await
            }
        }
    };
}

by_type!(Api);
by_path!(crate::Other);

fn main() {
    let _ = (Api::plain, Other::plain);
}
