//! The main demo: one function whose blocks hop between a client and a server, and the table of
//! its hops.

use std::net::SocketAddr;

use anyhow::Context;
use distributed_scope::{Blocks, CallReport, Peer, PeerId};

use crate::hops::{self, HopLog};
use crate::output::say;
use crate::processes::Helper;
use crate::server::{self, Server};
use demo_seed::seed;

/// The server here, the client in a second process.
pub(crate) async fn both(address: SocketAddr) -> anyhow::Result<()> {
    let server = Server::start(server::peer(), address)?;
    say(format_args!("server  pid {}, {}", std::process::id(), server.url))?;
    let mut client = Helper::start("the client", ["client", &server.url])?;
    say(format_args!("client  pid {}", client.pid()))?;
    client.success().await?;
    server.stop().await;
    Ok(())
}

/// The client: connects, runs the function and shows what happened.
pub(crate) async fn client(url: &str) -> anyhow::Result<()> {
    let log = HopLog::default();
    let observed = log.clone();
    let client = Peer::builder(PeerId::random())
        // All that the server may ask of us.
        .expose(Blocks::named("demo_seed::seed::demo"))
        .observe(move |call: &CallReport| observed.record(call))
        .start();
    let server = client.connect(url).await.with_context(|| format!("cannot connect to {url}"))?;

    let value = client.run(seed::demo(server, client.id())).await.context("the demo function failed")?;
    let mut hops = log.take(&[server]);
    // What the server saw is fetched like anything else: by a block that runs there.
    hops.extend(client.run(hops::take_from(server)).await.context("cannot fetch the server's hops")?);

    let name = |id: PeerId| match id {
        id if id == server => "server".to_owned(),
        id if id == client.id() => "client".to_owned(),
        id => id.to_string(),
    };
    say(seed::show(&value))?;
    say(hops::table(&hops::in_order_of_calls(hops), name))?;
    client.stop().await;
    Ok(())
}
