use distributed_scope::{PeerId, RemoteError, distributed, remote};

struct Config {
    name: String,
}

#[distributed]
async fn demo(p: PeerId, config: Config) -> Result<String, RemoteError> {
    remote!(p, [config.name, config.name.len()], { name }).await
}

fn main() {}
