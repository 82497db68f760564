//! A price list that many clients follow.
//!
//! The shop publishes each change of a price. A client that subscribes gets all prices first, and
//! then each change exactly once, in the order in which the shop published them.
//!
//! ```sh
//! cargo run --example topic
//! ```

#![allow(clippy::print_stdout, reason = "to show what happens is what an example is for")]

use std::collections::BTreeMap;
use std::net::SocketAddr;

use actix_web::{App, HttpServer};
use distributed_scope::{
    Blocks, Peer, PeerId, Receiver, RemoteError, Topic, Update, distributed, here, on_connect, remote,
};

/// All prices.
type List = BTreeMap<String, u32>;

/// The prices, and the changes of them.
type Prices = Topic<(String, u32), List>;

fn prices() -> Prices {
    Prices::with_state(List::new(), |list, (article, price)| {
        list.insert(article.clone(), *price);
    })
}

/// Subscribes to the prices.
#[distributed]
async fn subscribe(shop: PeerId) -> Result<Receiver<Update<(String, u32), List>>, RemoteError> {
    remote!(shop, [], { here::data::<Prices>()?.subscribe() }).await
}

/// Starts the peer of the shop, and returns its address.
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

/// A client of the shop: its name and its subscription.
struct Client {
    name: &'static str,
    updates: Receiver<Update<(String, u32), List>>,
    _peer: Peer,
}

impl Client {
    async fn start(name: &'static str, shop: PeerId, address: SocketAddr) -> anyhow::Result<Self> {
        let peer = Peer::builder(PeerId::random()).start();
        peer.connect(format!("ws://{address}/scope")).await?;
        let updates = peer.run(subscribe(shop)).await?;
        Ok(Self { name, updates, _peer: peer })
    }

    /// The next update, as a line.
    async fn next(&mut self) -> anyhow::Result<String> {
        let line = match self.updates.recv().await? {
            Some(Update::State(list)) => format!("{} sees the list {list:?}", self.name),
            Some(Update::Item((article, price))) => format!("{} sees {article} at {price}", self.name),
            Some(Update::Lagged(missed)) => format!("{} has missed {missed} changes", self.name),
            None => format!("{} sees the end", self.name),
        };
        println!("{line}");
        Ok(line)
    }
}

#[actix_web::main]
async fn main() -> anyhow::Result<()> {
    let prices = prices();
    let shop = Peer::builder(PeerId::named("shop")).data(prices.clone()).expose(Blocks::all()).start();
    let address = serve(&shop)?;

    let mut ann = Client::start("ann", shop.id(), address).await?;
    ann.next().await?;
    prices.publish(("tea".to_owned(), 3))?;
    prices.publish(("coffee".to_owned(), 5))?;
    ann.next().await?;
    ann.next().await?;

    // Ben comes later. He gets the list as it is, and not its history.
    let mut ben = Client::start("ben", shop.id(), address).await?;
    ben.next().await?;
    prices.publish(("tea".to_owned(), 4))?;
    ann.next().await?;
    ben.next().await?;
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
    async fn late_client_sees_the_list_and_then_changes() {
        let prices = prices();
        let shop = Peer::builder(PeerId::random()).data(prices.clone()).expose(Blocks::all()).start();
        let address = serve(&shop).unwrap();
        prices.publish(("tea".to_owned(), 3)).unwrap();
        let mut late = Client::start("late", shop.id(), address).await.unwrap();
        assert_eq!(late.next().await.unwrap(), r#"late sees the list {"tea": 3}"#);
        prices.publish(("tea".to_owned(), 4)).unwrap();
        assert_eq!(late.next().await.unwrap(), "late sees tea at 4");
    }
}
