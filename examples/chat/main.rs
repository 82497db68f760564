//! A chat: the server shows each line on the screens of all members.
//!
//! A typical web tutorial needs a message type for each direction, a task per connection, and a
//! channel between them. Here a client calls the server, and the server calls back. Each member
//! of the room is a peer, and a block that runs there shows a line on its screen.
//!
//! ```sh
//! cargo run --example chat
//! ```

#![allow(clippy::print_stdout, reason = "to show what happens is what an example is for")]

mod room;

use std::net::SocketAddr;
use std::time::Duration;

use actix_web::{App, HttpServer};
use distributed_scope::{Blocks, Peer, PeerId, RemoteError, distributed, here, on_connect, remote};
use futures_util::future::join_all;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::room::Room;

/// The screen of a client: shows the lines that it receives.
struct Screen(UnboundedSender<String>);

/// The maximum time that one member may delay the others.
const PATIENCE: Duration = Duration::from_secs(2);

/// Enters the room, and returns the names of all members.
#[distributed]
async fn join(server: PeerId, name: String) -> Result<Vec<String>, RemoteError> {
    remote!(server, [server, name], {
        let room = here::data::<Room>()?;
        room.enter(here::caller(), &name)?;
        tell(server, format!("* {name} has joined")).await?;
        room.names()
    })
    .await
}

/// Sends a line to all members, and returns how many it reached.
#[distributed]
async fn say(server: PeerId, text: String) -> Result<usize, RemoteError> {
    remote!(server, [server, text], {
        let name = here::data::<Room>()?.name_of(here::caller())?;
        tell(server, format!("{name}: {text}")).await?
    })
    .await
}

/// Leaves the room.
#[distributed]
async fn leave(server: PeerId) -> Result<(), RemoteError> {
    remote!(server, [server], {
        let name = here::data::<Room>()?.leave(here::caller())?;
        tell(server, format!("* {name} has left")).await?;
    })
    .await
}

/// Shows a line on the screen of each member. A member that cannot be reached is removed.
#[distributed]
async fn tell(server: PeerId, line: String) -> Result<usize, RemoteError> {
    remote!(server, [line], {
        let room = here::data::<Room>()?;
        let told = room.members().into_iter().map(|member| {
            let shown = remote!(member, [line], { here::data::<Screen>()?.0.send(line)? });
            async move { (member, shown.timeout(PATIENCE).await) }
        });
        let mut reached = 0;
        for (member, shown) in join_all(told).await {
            match shown {
                Ok(()) => reached += 1,
                // It may have left meanwhile.
                Err(_) => drop(room.leave(member)),
            }
        }
        reached
    })
    .await
}

fn serve() -> std::io::Result<(Peer, SocketAddr)> {
    let exposed = Blocks::of(module_path!());
    let peer = Peer::builder(PeerId::named("chat server")).data(Room::default()).expose(exposed).start();
    let served = peer.clone();
    let http = HttpServer::new(move || App::new().service(served.service("/chat")))
        .on_connect(on_connect)
        .workers(1)
        .bind(("127.0.0.1", 0))?;
    let address = http.addrs()[0];
    actix_web::rt::spawn(http.run());
    Ok((peer, address))
}

/// A client, and the lines on its screen.
async fn client(address: SocketAddr) -> anyhow::Result<(Peer, UnboundedReceiver<String>)> {
    let (screen, lines) = unbounded_channel();
    // Other peers may only show a line here.
    let exposed = Blocks::named(concat!(module_path!(), "::tell"));
    let peer = Peer::builder(PeerId::random()).data(Screen(screen)).expose(exposed).start();
    peer.connect(format!("ws://{address}/chat")).await?;
    Ok((peer, lines))
}

#[actix_web::main]
async fn main() -> anyhow::Result<()> {
    let (server, address) = serve()?;
    let server = server.id();

    let (ann, mut on_anns_screen) = client(address).await?;
    let (ben, mut on_bens_screen) = client(address).await?;
    let (cho, mut on_chos_screen) = client(address).await?;
    for (peer, name) in [(&ann, "ann"), (&ben, "ben"), (&cho, "cho")] {
        let names = peer.run(join(server, name.into())).await?;
        println!("{name} enters a room with {}", names.join(", "));
    }
    if let Err(error) = cho.run(join(server, "ann".into())).await {
        println!("cho cannot be ann as well: {error:#}");
    }
    let reached = ann.run(say(server, "Is anybody here?".into())).await?;
    println!("ann has spoken to {reached} screens");
    ben.run(say(server, "Only us three.".into())).await?;
    cho.run(leave(server)).await?;
    ben.run(say(server, "Us two.".into())).await?;

    for (name, lines) in
        [("ann", &mut on_anns_screen), ("ben", &mut on_bens_screen), ("cho", &mut on_chos_screen)]
    {
        println!("\non {name}'s screen:");
        while let Ok(line) = lines.try_recv() {
            println!("  {line}");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "in a test, to panic is to fail")]

    use super::*;

    fn screen(lines: &mut UnboundedReceiver<String>) -> Vec<String> {
        std::iter::from_fn(|| lines.try_recv().ok()).collect()
    }

    #[test]
    fn the_example_ends_well() {
        main().unwrap();
    }

    #[actix_web::test]
    async fn everyone_in_the_room_sees_each_line_in_order_and_nobody_outside_does() {
        let (server, address) = serve().unwrap();
        let (ann, mut on_anns) = client(address).await.unwrap();
        let (ben, mut on_bens) = client(address).await.unwrap();
        let (_outside, mut elsewhere) = client(address).await.unwrap();
        ann.run(join(server.id(), "ann".into())).await.unwrap();
        assert_eq!(ben.run(join(server.id(), "ben".into())).await.unwrap(), ["ann", "ben"]);
        assert_eq!(ann.run(say(server.id(), "one".into())).await.unwrap(), 2);
        assert_eq!(ben.run(say(server.id(), "two".into())).await.unwrap(), 2);
        let seen = ["* ann has joined", "* ben has joined", "ann: one", "ben: two"];
        assert_eq!(screen(&mut on_anns), seen);
        assert_eq!(screen(&mut on_bens), seen[1..]);
        assert_eq!(screen(&mut elsewhere), [""; 0]);
    }

    #[actix_web::test]
    async fn who_is_not_in_the_room_cannot_speak_in_it() {
        let (server, address) = serve().unwrap();
        let (peer, _lines) = client(address).await.unwrap();
        let error = peer.run(say(server.id(), "hello".into())).await.unwrap_err();
        assert!(format!("{error:#}").contains("join first"), "{error:#}");
    }

    #[actix_web::test]
    async fn who_went_away_without_a_word_is_no_member_after_the_next_line() {
        let (server, address) = serve().unwrap();
        let (ann, _on_anns) = client(address).await.unwrap();
        let (ben, on_bens) = client(address).await.unwrap();
        ann.run(join(server.id(), "ann".into())).await.unwrap();
        ben.run(join(server.id(), "ben".into())).await.unwrap();
        drop(on_bens);
        assert_eq!(ann.run(say(server.id(), "one".into())).await.unwrap(), 1);
        ben.run(join(server.id(), "ben".into())).await.unwrap();
    }
}
