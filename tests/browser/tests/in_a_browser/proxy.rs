//! A proxy that can cut connections or go silent: network failures that the page's server does not
//! notice.

use std::future::pending;
use std::net::SocketAddr;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

pub(crate) struct Proxy {
    pub(crate) port: u16,
    cuts: watch::Sender<u64>,
    silences: watch::Sender<u64>,
    is_deaf: watch::Sender<bool>,
    connections: watch::Receiver<u64>,
}

impl Proxy {
    /// Carries connections to this port.
    pub(crate) async fn to(port: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let (made, connections) = watch::channel(0);
        let proxy = Self {
            port: listener.local_addr().unwrap().port(),
            cuts: watch::Sender::new(0),
            silences: watch::Sender::new(0),
            is_deaf: watch::Sender::new(false),
            connections,
        };
        let (cuts, silences) = (proxy.cuts.subscribe(), proxy.silences.subscribe());
        let is_deaf = proxy.is_deaf.subscribe();
        actix_web::rt::spawn(async move {
            let server = SocketAddr::from(([127, 0, 0, 1], port));
            let mut unanswered = Vec::new();
            while let Ok((from, _)) = listener.accept().await {
                if *is_deaf.borrow() {
                    unanswered.push(from);
                } else {
                    actix_web::rt::spawn(carry(from, server, cuts.clone(), silences.clone()));
                }
                made.send_modify(|made| *made += 1);
            }
        });
        proxy
    }

    /// Drops all connections. New ones are carried.
    pub(crate) fn cut(&self) {
        self.cuts.send_modify(|cuts| *cuts += 1);
    }

    /// Carries nothing more on all connections, which stay open. New ones are carried.
    pub(crate) fn silence(&self) {
        self.silences.send_modify(|silences| *silences += 1);
    }

    /// Whether new connections are accepted and never answered.
    pub(crate) fn deafen(&self, is_deaf: bool) {
        self.is_deaf.send_replace(is_deaf);
    }

    /// How many connections were made.
    pub(crate) fn connections(&self) -> u64 {
        *self.connections.borrow()
    }

    /// Waits until this many were made.
    pub(crate) async fn until_connections(&self, count: u64) {
        self.connections.clone().wait_for(|made| *made >= count).await.unwrap();
    }
}

async fn carry(
    mut from: TcpStream,
    server: SocketAddr,
    mut cuts: watch::Receiver<u64>,
    mut silences: watch::Receiver<u64>,
) {
    cuts.mark_unchanged();
    silences.mark_unchanged();
    let Ok(mut to) = TcpStream::connect(server).await else { return };
    tokio::select! {
        // If one side closes, the other one is closed with it.
        _ = copy_bidirectional(&mut from, &mut to) => return,
        _ = cuts.changed() => return,
        _ = silences.changed() => {}
    }
    tokio::select! {
        _ = cuts.changed() => {}
        () = pending() => {}
    }
}
