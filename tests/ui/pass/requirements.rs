use distributed_scope::{Peer, PeerId, RemoteError, Requirement, distributed, remote};

#[distributed(require = claim("role", "admin"))]
async fn shut_down(server: PeerId, client: PeerId) -> Result<(), RemoteError> {
    remote!(server, [client], {
        // The server is no admin of the client's.
        remote!(client, [], #[block(require = anybody)] { () }).await?;
    })
    .await?;
    remote!(server, [], #[block(name = "status", require = authenticated)] { () }).await
}

struct Service;

#[distributed(require = authenticated)]
impl Service {
    async fn read(&self, server: PeerId) -> Result<u32, RemoteError> {
        remote!(server, [], { 1 }).await
    }

    #[distributed(require = claim("role", "editor"))]
    async fn write(&self, server: PeerId) -> Result<u32, RemoteError> {
        remote!(server, [], { 2 }).await
    }
}

#[actix_web::main]
async fn main() {
    let _ = (shut_down, Service::read, Service::write);
    let peer = Peer::builder(PeerId::random()).start();
    let required: Vec<_> = peer
        .blocks()
        .iter()
        .map(|listed| (listed.block.path.rsplit("::").next().unwrap(), listed.block.requires))
        .collect();
    assert_eq!(
        required,
        [
            ("read#0", Requirement::Authenticated),
            ("write#0", Requirement::Claim { name: "role", value: "editor" }),
            ("shut_down#0", Requirement::Claim { name: "role", value: "admin" }),
            ("shut_down#1", Requirement::Anybody),
            ("shut_down#2", Requirement::Authenticated),
        ]
    );
}
