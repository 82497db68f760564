//! The TCP connection beneath an attempt.

use std::io;
use std::net::SocketAddr;

use tokio::net::{TcpSocket, TcpStream};

/// How many bytes a packet carries at most, in both directions, on a path that may lose large ones
/// and not say so: one whose MTU is smaller than those of both ends, and that drops the ICMP
/// messages by which they would learn that. It fits any path of IPv6, where 1,280 bytes get
/// through, and leaves room for a tunnel.
#[cfg(unix)]
const SEGMENT: u32 = 1024;

/// Connects to this address. Where large packets may get lost, both sides are told before the
/// first byte to send small ones, because after that nothing can change it.
pub(super) async fn connect(address: SocketAddr, is_narrow: bool) -> io::Result<TcpStream> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    if is_narrow {
        tracing::debug!(%address, "connecting with small packets");
        limit_segments(&socket);
    }
    socket.connect(address).await
}

#[cfg(unix)]
fn limit_segments(socket: &TcpSocket) {
    if let Err(error) = socket2::SockRef::from(socket).set_tcp_mss(SEGMENT) {
        tracing::debug!(%error, "cannot set TCP_MAXSEG");
    }
}

/// Windows finds such a path by itself (black hole detection is on there), and has no such
/// setting.
#[cfg(not(unix))]
fn limit_segments(_: &TcpSocket) {}

#[cfg(all(test, unix))]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    /// How many bytes the two ends put into a packet.
    async fn segments(is_narrow: bool, host: &str) -> [u32; 2] {
        let listener = TcpListener::bind((host, 0)).await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let (near, far) = tokio::join!(connect(address, is_narrow), listener.accept());
        let ends = [near.expect("it listens"), far.expect("it was dialled").0];
        ends.map(|stream| socket2::SockRef::from(&stream).tcp_mss().expect("a TCP socket"))
    }

    #[actix_web::test]
    async fn narrow_connection_has_small_packets_both_ways() {
        for host in ["127.0.0.1", "::1"] {
            if TcpListener::bind((host, 0)).await.is_err() {
                continue;
            }
            assert!(segments(true, host).await.iter().all(|size| *size <= SEGMENT), "{host}");
            assert!(segments(false, host).await.iter().all(|size| *size > SEGMENT), "{host}");
        }
    }
}
