#![deny(warnings)]

use distributed_scope::{PeerId, RemoteError, distributed, remote};

#[derive(Debug)]
struct Service {
    peer: PeerId,
}

impl std::fmt::Display for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a service")
    }
}

#[distributed]
impl Service {
    async fn demo(&self) -> Result<String, RemoteError> {
        let plain = "{self} is not replaced here";
        let here = format!("{self} {self:?} {plain}");
        remote!(self.peer, [here, shown = format!("{self}")], { format!("{here} {shown}") }).await
    }
}

fn main() {
    let service = Service { peer: PeerId::random() };
    let _ = service.demo();
}
