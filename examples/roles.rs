//! Who may call what: clients with a token, and blocks that require a role.
//!
//! The server authenticates a client when it connects. Each block says what it requires of its
//! caller, and a call without it is refused before anything of it runs.
//!
//! ```sh
//! cargo run --example roles
//! ```

#![allow(clippy::print_stdout, reason = "to show what happens is what an example is for")]

use std::net::SocketAddr;

use actix_web::{App, HttpServer};
use distributed_scope::{
    Blocks, Denied, Endpoint, Peer, PeerId, Principal, Proof, RemoteError, Upgrade, distributed, here,
    on_connect, remote,
};

/// Says who calls. Anybody may ask.
#[distributed]
async fn whoami(server: PeerId) -> Result<String, RemoteError> {
    remote!(server, [], { here::principal().map_or("a guest".to_owned(), |user| user.subject().to_owned()) })
        .await
}

/// Deletes an article. Only editors may do that.
#[distributed(require = claim("role", "editor"))]
async fn delete(server: PeerId, article: u32) -> Result<String, RemoteError> {
    remote!(server, [article], {
        let user = here::require_principal()?;
        format!("{} has deleted article {article}", user.subject())
    })
    .await
}

/// The users of this server. A real one asks its database, or checks a JSON web token.
async fn authenticate(upgrade: Upgrade) -> Result<Option<Principal>, Denied> {
    let Some(token) = upgrade.bearer()? else { return Ok(None) };
    let user = |name: &str| Principal::new(name, Proof::Token);
    match token.as_str() {
        "token-of-ada" => Ok(Some(user("ada").claim("role", "editor"))),
        "token-of-ben" => Ok(Some(user("ben"))),
        _ => Err(Denied::unauthenticated("this token is not known")),
    }
}

fn serve(peer: &Peer) -> std::io::Result<SocketAddr> {
    let served = peer.clone();
    let http = HttpServer::new(move || App::new().service(served.service("/scope")))
        .on_connect(on_connect)
        .workers(1)
        .bind(("127.0.0.1", 0))?;
    let address = http.addrs()[0];
    actix_web::rt::spawn(http.run());
    Ok(address)
}

/// What a client with this token sees: who it is, and whether it may delete.
async fn visit(server: PeerId, address: SocketAddr, token: Option<&str>) -> anyhow::Result<[String; 2]> {
    let client = Peer::builder(PeerId::random()).start();
    let mut endpoint = Endpoint::new(format!("ws://{address}/scope"));
    if let Some(token) = token {
        endpoint = endpoint.bearer(token);
    }
    client.connect(endpoint).await?;
    let name = client.run(whoami(server)).await?;
    let deleted = client.run(delete(server, 7)).await.unwrap_or_else(|error| error.to_string());
    Ok([name, deleted])
}

#[actix_web::main]
async fn main() -> anyhow::Result<()> {
    let server =
        Peer::builder(PeerId::named("server")).authenticate(authenticate).expose(Blocks::all()).start();
    let address = serve(&server)?;
    for token in [Some("token-of-ada"), Some("token-of-ben"), None, Some("made up")] {
        match visit(server.id(), address, token).await {
            Ok([name, deleted]) => println!("{name}: {deleted}"),
            Err(error) => println!("not let in: {error}"),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "in a test, to panic is to fail")]

    use super::*;

    #[test]
    fn the_example_ends_well() {
        main().unwrap();
    }

    #[actix_web::test]
    async fn only_editors_delete() {
        let server = Peer::builder(PeerId::random()).authenticate(authenticate).expose(Blocks::all()).start();
        let address = serve(&server).unwrap();
        let visit = |token| visit(server.id(), address, token);
        assert_eq!(visit(Some("token-of-ada")).await.unwrap(), ["ada", "ada has deleted article 7"]);
        let [name, refused] = visit(Some("token-of-ben")).await.unwrap();
        assert!(name == "ben" && refused.contains("refused"), "{refused}");
        assert_eq!(visit(None).await.unwrap()[0], "a guest");
        assert!(visit(Some("made up")).await.unwrap_err().to_string().contains("not known"));
    }
}
