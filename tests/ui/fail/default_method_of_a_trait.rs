use distributed_scope::{PeerId, RemoteError, distributed, remote};

trait Ask {
    fn base(&self) -> u32;

    #[distributed]
    async fn ask(&self, p: PeerId) -> Result<u32, RemoteError> {
        let base = self.base();
        remote!(p, [base], { base + 1 }).await
    }
}

fn main() {}
