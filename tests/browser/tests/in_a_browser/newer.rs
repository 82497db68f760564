//! A server of version 2 of the protocol, as far as a client of version 1 sees it.

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;

/// Serves one connection; gives the URL.
pub(crate) async fn serve() -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("ws://{}/scope", listener.local_addr().unwrap());
    actix_web::rt::spawn(async move {
        let mut stream = BufReader::new(listener.accept().await.unwrap().0);
        let (mut line, mut key) = (String::new(), String::new());
        while stream.read_line(&mut line).await.unwrap() > 2 {
            if let Some((name, value)) = line.split_once(": ")
                && name.eq_ignore_ascii_case("sec-websocket-key")
            {
                key = value.trim().to_owned();
            }
            line.clear();
        }
        let accept = actix_http::ws::hash_key(key.as_bytes());
        let mut answer = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
            Sec-WebSocket-Protocol: distributed-scope.v1\r\nSec-WebSocket-Accept: "
            .to_vec();
        answer.extend(accept);
        answer.extend(b"\r\n\r\n");
        let reason = b"distributed-scope.v2 is what this server speaks";
        answer.extend([0x88, 2 + u8::try_from(reason.len()).unwrap()]);
        answer.extend(4505_u16.to_be_bytes());
        answer.extend(reason);
        stream.write_all(&answer).await.unwrap();
        // The browser's own goodbye, and then it waits for this side to close.
        stream.read_u8().await.unwrap();
    });
    url
}
