//! `demo secure`: a server that uses TLS and authenticates its clients by tokens. One call is
//! allowed, one is refused, and there are two impostors, one at either end.

mod credentials;
mod press;

use std::net::{Ipv4Addr, SocketAddr};

use anyhow::{Context, bail};
use distributed_scope::jwt::{Issuer, Keys, Tokens};
use distributed_scope::tls::{self, Clients, Roots};
use distributed_scope::{Blocks, ConnectError, Endpoint, ErrorKind, Peer, PeerId, Ran, RemoteError};

use crate::output::{self, say};
use crate::server::Server;
use credentials::{Authority, Mint, Role};

/// The issuer of the tokens that the server accepts, and the server's own name in them.
const ISSUER: &str = "the demo's login";
const AUDIENCE: &str = "the demo's press";

/// What a client tried, and the outcome.
struct Attempt {
    who: &'static str,
    shows: &'static str,
    tries: &'static str,
    outcome: &'static str,
    said: String,
}

/// Makes all certificates and keys, runs all attempts, and prints a table. An error if a client
/// got something that it must not have.
pub(crate) async fn run() -> anyhow::Result<()> {
    let (authority, login) = (Authority::new("the demo's authority")?, Mint::new()?);
    let server = listen(&authority, &login)?;
    let id = server.peer().id();
    say(format_args!("server on {}, with a certificate that was made just now", server.url))?;

    let attempts = [
        alice(&server.url, &authority, login.token("alice", Role::Editor)?, id).await?,
        bob(&server.url, &authority, login.token("bob", Role::Reader)?, id).await?,
        mallory(&server.url, &authority, Mint::new()?.token("alice", Role::Editor)?).await?,
        mallorys_server(&authority, &login).await?,
    ];
    let mut table = output::table(&["who", "shows", "tries", "outcome", "what was said"]);
    for attempt in attempts {
        table.add_row([attempt.who, attempt.shows, attempt.tries, attempt.outcome, &attempt.said]);
    }
    say(output::wrapped(table))?;
    server.stop().await;
    Ok(())
}

/// A server with a certificate of this authority, which accepts the tokens of this login.
fn listen(authority: &Authority, login: &Mint) -> anyhow::Result<Server> {
    let keys = Keys::public_pem(credentials::ALGORITHM, login.public_pem().as_bytes())?;
    let peer = Peer::builder(PeerId::random())
        .data(press::Published::default())
        .expose(Blocks::named("demo::secure::press::publish"))
        .authenticate(Tokens::required(Issuer::new(ISSUER, AUDIENCE, keys)))
        .start();
    let config = tls::server(authority.server("localhost")?, Clients::Any)?;
    Server::start_secure(peer, SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), config)
}

/// Connects as a peer of its own, which trusts the certificates of `authority`.
async fn connect(
    url: &str,
    authority: &Authority,
    token: String,
) -> anyhow::Result<(Peer, Result<PeerId, ConnectError>)> {
    let client = Peer::builder(PeerId::random()).start();
    let config = tls::client(Roots::from_pem(authority.pem().as_bytes())?, None)?;
    let connected = client.connect(Endpoint::new(url).bearer(token).tls(config)).await;
    Ok((client, connected))
}

async fn publish(
    url: &str,
    authority: &Authority,
    token: String,
    server: PeerId,
) -> anyhow::Result<Result<String, RemoteError>> {
    let (client, connected) = connect(url, authority, token).await?;
    connected.with_context(|| format!("cannot connect to {url}"))?;
    let published = client.run(press::publish(server, "TLS at both ends".to_owned())).await;
    client.stop().await;
    Ok(published)
}

async fn alice(url: &str, authority: &Authority, token: String, server: PeerId) -> anyhow::Result<Attempt> {
    let said = publish(url, authority, token, server).await?.context("alice may publish, and could not")?;
    Ok(Attempt {
        who: "alice",
        shows: "a token: role = editor",
        tries: "to publish",
        outcome: "allowed",
        said,
    })
}

async fn bob(url: &str, authority: &Authority, token: String, server: PeerId) -> anyhow::Result<Attempt> {
    let Err(error) = publish(url, authority, token, server).await? else {
        bail!("bob is no editor, and could publish");
    };
    let (ErrorKind::Refused(refusal), Ran::Never) = (error.kind(), error.ran()) else {
        return Err(error).context("bob should have been refused");
    };
    let said = format!("{refusal}; nothing ran");
    Ok(Attempt { who: "bob", shows: "a token: role = reader", tries: "to publish", outcome: "refused", said })
}

async fn mallory(url: &str, authority: &Authority, token: String) -> anyhow::Result<Attempt> {
    let (_, Err(error)) = connect(url, authority, token).await? else {
        bail!("mallory signed her token herself, and was let in");
    };
    let ConnectError::Denied { status, .. } = error else {
        return Err(error).context("mallory should have been denied");
    };
    let (shows, said) =
        ("a token for alice, signed by herself", format!("HTTP {status}, before there is a session"));
    Ok(Attempt { who: "mallory", shows, tries: "to connect", outcome: "turned away", said })
}

/// A server that impersonates the real one: alice must not send anything to it, or it would have
/// her token.
async fn mallorys_server(authority: &Authority, login: &Mint) -> anyhow::Result<Attempt> {
    let server = listen(&Authority::new("the demo's authority")?, login)?;
    let token = login.token("alice", Role::Editor)?;
    let (_, Err(error)) = connect(&server.url, authority, token).await? else {
        bail!("alice connected to mallory's server, whose certificate is not trusted");
    };
    server.stop().await;
    let ConnectError::Tls { source, .. } = error else {
        return Err(error).context("mallory's server should not have been trusted");
    };
    let shows = "a certificate, signed by herself";
    let said = source.to_string();
    Ok(Attempt {
        who: "mallory's server",
        shows,
        tries: "to have alice's token",
        outcome: "not spoken to",
        said,
    })
}
