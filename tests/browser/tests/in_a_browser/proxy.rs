//! A proxy that can be cut: what a network does to a page, and its server does not see coming.

use std::net::SocketAddr;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

pub(crate) struct Proxy {
    pub(crate) port: u16,
    cuts: watch::Sender<u64>,
}

impl Proxy {
    /// Carries connections to this port.
    pub(crate) async fn to(port: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let proxy = Self { port: listener.local_addr().unwrap().port(), cuts: watch::Sender::new(0) };
        let cuts = proxy.cuts.subscribe();
        actix_web::rt::spawn(async move {
            let server = SocketAddr::from(([127, 0, 0, 1], port));
            while let Ok((from, _)) = listener.accept().await {
                actix_web::rt::spawn(carry(from, server, cuts.clone()));
            }
        });
        proxy
    }

    /// Drops all connections. New ones are carried.
    pub(crate) fn cut(&self) {
        self.cuts.send_modify(|cuts| *cuts += 1);
    }
}

async fn carry(mut from: TcpStream, server: SocketAddr, mut cuts: watch::Receiver<u64>) {
    cuts.mark_unchanged();
    let Ok(mut to) = TcpStream::connect(server).await else { return };
    tokio::select! {
        // Whoever closes first, the other side is closed with it.
        _ = copy_bidirectional(&mut from, &mut to) => {}
        _ = cuts.changed() => {}
    }
}
