//! The TCP connection of an attempt.

use std::io;
use std::net::SocketAddr;

use tokio::net::{TcpSocket, TcpStream};

/// The maximum payload of a packet in bytes, in both directions, on a path that may silently lose
/// large packets. The MTU of such a path is smaller than that of both ends, and it drops the ICMP
/// messages that would report this. The value fits any path of IPv6, where 1,280 bytes get
/// through, and leaves space for a tunnel.
#[cfg(unix)]
const SEGMENT: u32 = 1024;

/// Connects to this address. If large packets may get lost, both sides are limited to small ones
/// before the first byte, because this cannot be changed later.
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

/// Windows detects such a path by itself (black hole detection is on by default), and has no such
/// setting.
#[cfg(not(unix))]
fn limit_segments(_: &TcpSocket) {}

#[cfg(all(test, unix))]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    /// The maximum segment size of the two ends, in bytes.
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
