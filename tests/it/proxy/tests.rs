//! Tests of the proxy: it obeys its orders.

use std::io::ErrorKind;
use std::time::Instant;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;

/// A client and a server with the proxy between them.
async fn connected() -> (Proxy, TcpStream, TcpStream, TcpListener) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let proxy = Proxy::start(listener.local_addr().unwrap().to_string()).await;
    let (client, server) = another(&proxy, &listener).await;
    (proxy, client, server, listener)
}

async fn another(proxy: &Proxy, listener: &TcpListener) -> (TcpStream, TcpStream) {
    let (client, server) = tokio::join!(TcpStream::connect(proxy.address()), listener.accept());
    (client.unwrap(), server.unwrap().0)
}

async fn read(stream: &mut TcpStream, count: usize) -> Vec<u8> {
    let mut bytes = vec![0; count];
    stream.read_exact(&mut bytes).await.unwrap();
    bytes
}

async fn read_all(stream: &mut TcpStream) -> Result<Vec<u8>, ErrorKind> {
    let mut bytes = Vec::new();
    match stream.read_to_end(&mut bytes).await {
        Ok(_) => Ok(bytes),
        Err(error) => Err(error.kind()),
    }
}

#[actix_web::test]
async fn bytes_pass_both_ways_and_are_counted_for_each_connection() {
    let (proxy, mut client, mut server, listener) = connected().await;
    client.write_all(b"question").await.unwrap();
    assert_eq!(read(&mut server, 8).await, b"question");
    server.write_all(b"answer").await.unwrap();
    assert_eq!(read(&mut client, 6).await, b"answer");
    let (mut client, mut server) = another(&proxy, &listener).await;
    client.write_all(b"x").await.unwrap();
    assert_eq!(read(&mut server, 1).await, b"x");
    proxy.has_passed(Way::ToServer, 9).await;
    assert_eq!(proxy.passed_by_connection(), [[8, 6], [1, 0]]);
    assert_eq!((proxy.passed(Way::ToServer), proxy.passed(Way::ToClient), proxy.connections()), (9, 6, 2));
}

#[actix_web::test]
async fn the_end_of_one_way_passes_and_the_other_way_goes_on() {
    let (_proxy, mut client, mut server, _) = connected().await;
    client.shutdown().await.unwrap();
    assert_eq!(read_all(&mut server).await, Ok(vec![]));
    server.write_all(b"late").await.unwrap();
    drop(server);
    assert_eq!(read_all(&mut client).await, Ok(b"late".to_vec()));
}

#[actix_web::test]
async fn a_connection_is_cut_after_exactly_so_many_bytes() {
    for cut in 1..=8 {
        let (proxy, mut client, mut server, _) = connected().await;
        proxy.cut_at(Way::ToServer, cut as u64);
        client.write_all(b"question").await.unwrap();
        assert_eq!(read_all(&mut server).await, Ok(b"question"[..cut].to_vec()));
        assert_eq!(read_all(&mut client).await, Ok(vec![]), "both sides see an orderly end");
        assert_eq!(proxy.passed(Way::ToServer), cut as u64);
    }
}

#[actix_web::test]
async fn a_cut_is_used_up_and_counts_the_bytes_of_all_connections() {
    let (proxy, mut client, mut server, listener) = connected().await;
    client.write_all(b"abc").await.unwrap();
    assert_eq!(read(&mut server, 3).await, b"abc");
    proxy.has_passed(Way::ToServer, 3).await;
    let (mut second, mut second_server) = another(&proxy, &listener).await;
    proxy.cut_at(Way::ToServer, 4);
    second.write_all(b"def").await.unwrap();
    assert_eq!(read_all(&mut second_server).await, Ok(b"d".to_vec()));
    let (mut third, mut third_server) = another(&proxy, &listener).await;
    third.write_all(b"ghi").await.unwrap();
    assert_eq!(read(&mut third_server, 3).await, b"ghi");
    client.write_all(b"jkl").await.unwrap();
    assert_eq!(read(&mut server, 3).await, b"jkl", "the first one is still there");
}

#[actix_web::test]
async fn a_cut_at_a_place_that_has_passed_happens_now() {
    let (proxy, mut client, mut server, _) = connected().await;
    client.write_all(b"abc").await.unwrap();
    assert_eq!(read(&mut server, 3).await, b"abc");
    proxy.has_passed(Way::ToServer, 3).await;
    proxy.cut_at(Way::ToServer, 3);
    assert_eq!(read_all(&mut server).await, Ok(vec![]));
    assert_eq!(read_all(&mut client).await, Ok(vec![]));
}

#[actix_web::test]
async fn a_cut_by_reset_is_an_error_on_both_sides() {
    let (proxy, mut client, mut server, _) = connected().await;
    proxy.by_reset(true);
    // A connection that was accepted here may not have reached the proxy's task yet.
    client.write_all(b"a").await.unwrap();
    read(&mut server, 1).await;
    proxy.cut_now();
    assert_eq!(read_all(&mut client).await, Err(ErrorKind::ConnectionReset));
    assert_eq!(read_all(&mut server).await, Err(ErrorKind::ConnectionReset));
}

#[actix_web::test]
async fn new_connections_are_refused_until_told_otherwise_and_old_ones_go_on() {
    let (proxy, mut client, mut server, listener) = connected().await;
    proxy.refuse(true);
    let mut refused = TcpStream::connect(proxy.address()).await.unwrap();
    assert_eq!(read_all(&mut refused).await, Err(ErrorKind::ConnectionReset));
    client.write_all(b"a").await.unwrap();
    assert_eq!(read(&mut server, 1).await, b"a");
    proxy.refuse(false);
    another(&proxy, &listener).await;
    assert_eq!(proxy.connections(), 2, "one that was refused does not count");
}

#[actix_web::test]
async fn new_connections_go_to_another_server_when_told_so() {
    let (proxy, ..) = connected().await;
    let other = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    proxy.forward_to(other.local_addr().unwrap().to_string());
    another(&proxy, &other).await;
}

#[actix_web::test]
async fn a_stalled_way_keeps_its_bytes_and_the_other_way_goes_on() {
    let (proxy, mut client, mut server, _) = connected().await;
    proxy.stall_way(Way::ToServer, true);
    client.write_all(b"question").await.unwrap();
    server.write_all(b"answer").await.unwrap();
    assert_eq!(read(&mut client, 6).await, b"answer");
    assert_eq!(proxy.passed(Way::ToServer), 0);
    proxy.stall_way(Way::ToServer, false);
    assert_eq!(read(&mut server, 8).await, b"question");
}

#[actix_web::test]
async fn a_stalled_connection_can_be_cut() {
    let (proxy, mut client, mut server, _) = connected().await;
    proxy.stall(true);
    client.write_all(b"question").await.unwrap();
    proxy.cut_now();
    assert_eq!(read_all(&mut server).await, Ok(vec![]));
    assert_eq!(read_all(&mut client).await, Ok(vec![]));
}

#[actix_web::test]
async fn a_lost_way_swallows_bytes_and_the_end_and_the_other_way_goes_on() {
    let (proxy, mut client, mut server, _) = connected().await;
    proxy.lose(Way::ToServer, true);
    client.write_all(b"question").await.unwrap();
    client.shutdown().await.unwrap();
    server.write_all(b"answer").await.unwrap();
    assert_eq!(read(&mut client, 6).await, b"answer");
    assert_eq!(proxy.passed(Way::ToServer), 0);
    assert_eq!(server.try_read(&mut [0]).unwrap_err().kind(), ErrorKind::WouldBlock, "no end came either");
}

#[actix_web::test]
async fn a_flipped_byte_is_the_only_one_that_changes() {
    for sliced in [false, true] {
        let (proxy, mut client, mut server, _) = connected().await;
        proxy.slice(sliced);
        proxy.flip_at(Way::ToServer, 2);
        client.write_all(&[0, 1, 2, 3]).await.unwrap();
        assert_eq!(read(&mut server, 4).await, [0, 1, 0xFD, 3]);
        client.write_all(&[4, 5, 6]).await.unwrap();
        assert_eq!(read(&mut server, 3).await, [4, 5, 6]);
    }
}

#[actix_web::test]
async fn slicing_and_delaying_change_when_bytes_come_and_not_which() {
    let (proxy, mut client, mut server, _) = connected().await;
    proxy.slice_way(Way::ToServer, true);
    let began = Instant::now();
    proxy.delay(Way::ToServer, Duration::from_millis(30));
    let sent: Vec<u8> = (0..=255).collect();
    client.write_all(&sent).await.unwrap();
    assert_eq!(read(&mut server, 256).await, sent);
    assert!(began.elapsed() >= Duration::from_millis(30));
}

#[actix_web::test]
async fn a_server_that_is_not_there_ends_the_connection() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let proxy = Proxy::start(free.to_string()).await;
    let mut client = TcpStream::connect(proxy.address()).await.unwrap();
    assert_eq!(read_all(&mut client).await, Err(ErrorKind::ConnectionReset));
}

#[actix_web::test]
async fn a_proxy_that_is_dropped_ends_its_connections() {
    let (proxy, mut client, mut server, _) = connected().await;
    drop(proxy);
    assert_eq!(read_all(&mut client).await, Ok(vec![]));
    assert_eq!(read_all(&mut server).await, Ok(vec![]));
}

#[actix_web::test]
async fn a_narrow_path_loses_what_is_large_unless_packets_are_small() {
    let (proxy, mut client, mut server, listener) = connected().await;
    proxy.narrow(Some(1280));
    client.write_all(&[1; 1280]).await.unwrap();
    read(&mut server, 1280).await;
    client.write_all(&[1; 1281]).await.unwrap();
    server.write_all(b"answer").await.unwrap();
    assert_eq!(read(&mut client, 6).await, b"answer");
    assert_eq!(proxy.passed(Way::ToServer), 1280);
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    SockRef::from(&socket).set_tcp_mss(1024).unwrap();
    let (client, accepted) = tokio::join!(socket.connect(proxy.address()), listener.accept());
    client.unwrap().write_all(&[1; 4000]).await.unwrap();
    read(&mut accepted.unwrap().0, 4000).await;
}
