//! Attackers that use a bare socket. The attacked peer is in another process, so that its memory
//! can be measured.
#![cfg(target_os = "linux")]

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::OnceLock;
use std::time::Duration;

use distributed_scope::{Blocks, Limits, Peer, PeerId, RemoteError, distributed, remote};

use crate::process::Process;
use crate::support::{Listening, open};

const HOME: &str = "DISTRIBUTED_SCOPE_TEST_HOME";
const NAME: &str = "DISTRIBUTED_SCOPE_TEST_VICTIM";

const MESSAGE_LIMIT: usize = 1 << 20;
/// The memory that an attack may cost: some messages, and not everything that was sent.
const MAY_COST: usize = 4 * MESSAGE_LIMIT;
const POURED: usize = 64 << 20;

/// The peer under attack and its URL, in the process that has it.
static VICTIM: OnceLock<(Peer, String)> = OnceLock::new();

/// Does nothing in an ordinary run: it is what the other process runs.
#[actix_web::test]
async fn the_attacked_process() {
    let (Ok(home), Ok(name)) = (std::env::var(HOME), std::env::var(NAME)) else {
        return;
    };
    let limits = Limits::default().with_max_message(MESSAGE_LIMIT);
    let listening =
        Listening::start(Peer::builder(PeerId::named(&name)).expose(Blocks::all()).limits(limits));
    VICTIM.get_or_init(|| (listening.peer.clone(), listening.url()));
    listening.peer.connect(home).await.unwrap();
    std::future::pending::<()>().await;
}

#[distributed]
async fn url_of(on: PeerId) -> Result<String, RemoteError> {
    remote!(on, [], { VICTIM.get().ok_or("no victim is here")?.1.clone() }).await
}

#[distributed]
async fn have_it_dial(on: PeerId, url: String) -> Result<String, RemoteError> {
    remote!(on, [url], {
        let (victim, _) = VICTIM.get().ok_or("no victim is here")?;
        victim.connect(url).await.map_or_else(|error| error.to_string(), |peer| peer.to_string())
    })
    .await
}

#[distributed]
async fn double(on: PeerId, n: u64) -> Result<u64, RemoteError> {
    remote!(on, [n], { n * 2 }).await
}

/// A process with a listening peer in it, and the peer here that has it do things.
struct Victim {
    home: Listening,
    id: PeerId,
    url: String,
    process: Process,
}

impl Victim {
    async fn start(name: &str) -> Self {
        let home = Listening::start(open());
        let name = format!("{name} {}", home.peer.id());
        let url = home.url();
        let process = Process::start("floods::the_attacked_process", &[(HOME, &url), (NAME, &name)]);
        let id = PeerId::named(&name);
        let mut victim = Self { home, id, url: String::new(), process };
        victim.url = victim.home.peer.run(url_of(id)).await.unwrap();
        victim
    }

    fn address(&self) -> SocketAddr {
        self.url["ws://".len()..].split('/').next().unwrap().parse().unwrap()
    }

    /// The most memory that the process has had at once, in bytes.
    fn peak(&self) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        peak.trim().strip_suffix(" kB").unwrap().parse::<usize>().unwrap() << 10
    }

    /// Checks that the victim has spent little since its peak was `before`, and still serves.
    async fn is_unharmed(&self, before: usize, attack: &str) {
        let cost = self.peak() - before;
        assert!(cost <= MAY_COST, "{attack} cost {cost} bytes of memory");
        assert_eq!(self.home.peer.run(double(self.id, 21)).await.unwrap(), 42);
    }
}

/// Runs what blocks on a thread of its own.
async fn apart<T: Send + 'static>(attack: impl FnOnce() -> T + Send + 'static) -> T {
    actix_web::rt::task::spawn_blocking(attack).await.unwrap()
}

/// The header of a WebSocket frame with a length of 64 bits.
fn header(first: u8, announced: u64, is_masked: bool) -> Vec<u8> {
    let mut header = vec![first, if is_masked { 0xFF } else { 0x7F }];
    header.extend(announced.to_be_bytes());
    header.extend(&[0; 4][..if is_masked { 4 } else { 0 }]);
    header
}

fn patient(stream: TcpStream) -> TcpStream {
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream.set_write_timeout(Some(Duration::from_secs(20))).unwrap();
    stream
}

/// Everything up to the empty line that ends an HTTP head.
fn read_head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    String::from_utf8(head).unwrap()
}

/// A connection to a server that is upgraded by hand.
fn upgraded(address: SocketAddr) -> TcpStream {
    let mut stream = patient(TcpStream::connect(address).unwrap());
    let request = format!(
        "GET /scope HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: x3JJHMbDL1EzLkh9GBhXDw==\r\n\
         Sec-WebSocket-Protocol: distributed-scope.v1\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let answer = read_head(&mut stream);
    assert!(answer.starts_with("HTTP/1.1 101"), "{answer}");
    // The server speaks first: it invites.
    let mut invitation = [0; 2];
    stream.read_exact(&mut invitation).unwrap();
    stream.read_exact(&mut vec![0; usize::from(invitation[1])]).unwrap();
    stream
}

/// The code of the close frame that comes next from a server.
fn close_code(stream: &mut TcpStream) -> u16 {
    let mut close = [0; 4];
    stream.read_exact(&mut close).unwrap();
    assert_eq!(close[0], 0x88, "a close frame");
    u16::from_be_bytes([close[2], close[3]])
}

/// Writes `bytes` again and again, until it was cut off or has written all.
fn pour(stream: &mut TcpStream, bytes: &[u8]) {
    for _ in 0..POURED / bytes.len() {
        if let Err(error) = stream.write_all(bytes) {
            assert_ne!(error.kind(), ErrorKind::WouldBlock, "the victim neither reads nor closes");
            return;
        }
    }
}

/// Whether the other side has ended the connection, or does so soon.
fn is_cut_off(stream: &mut TcpStream) -> bool {
    match stream.read_to_end(&mut Vec::new()) {
        Ok(_) => true,
        Err(error) => error.kind() != ErrorKind::WouldBlock,
    }
}

#[actix_web::test]
async fn a_client_that_announces_a_gigabyte_is_cut_off_and_costs_the_server_nothing() {
    let victim = Victim::start("server").await;
    let honest = open().start();
    honest.connect(victim.url.as_str()).await.unwrap();
    assert_eq!(honest.run(double(victim.id, 1)).await.unwrap(), 2);
    let (before, address) = (victim.peak(), victim.address());
    apart(move || {
        let mut stream = upgraded(address);
        stream.write_all(&header(0x82, 1 << 30, true)).unwrap();
        assert_eq!(close_code(&mut stream), 1009, "too big");
        pour(&mut stream, &[0; 64 << 10]);
        assert!(is_cut_off(&mut stream));
    })
    .await;
    assert_eq!(honest.run(double(victim.id, 2)).await.unwrap(), 4, "its session is the same as before");
    victim.is_unharmed(before, "the header and what followed").await;
}

#[actix_web::test]
async fn a_client_that_pours_without_waiting_costs_the_server_nothing() {
    let victim = Victim::start("server of a flood").await;
    let (before, address) = (victim.peak(), victim.address());
    apart(move || {
        let mut stream = upgraded(address);
        stream.write_all(&header(0x82, 1 << 30, true)).unwrap();
        pour(&mut stream, &[0; 64 << 10]);
        assert!(is_cut_off(&mut stream));
    })
    .await;
    victim.is_unharmed(before, "the flood").await;
}

#[actix_web::test]
async fn a_client_that_sends_parts_without_end_costs_the_server_nothing() {
    let victim = Victim::start("server of parts").await;
    let (before, address) = (victim.peak(), victim.address());
    apart(move || {
        let mut stream = upgraded(address);
        let part = |first| [header(first, 16 << 10, true), vec![0; 16 << 10]].concat();
        stream.write_all(&part(0x02)).unwrap();
        pour(&mut stream, &part(0x00));
        assert!(is_cut_off(&mut stream));
    })
    .await;
    victim.is_unharmed(before, "the parts").await;
}

#[actix_web::test]
async fn a_server_that_announces_a_gigabyte_costs_the_client_nothing() {
    let victim = Victim::start("client").await;
    let before = victim.peak();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}/scope", listener.local_addr().unwrap());
    let attack = apart(move || {
        let mut stream = patient(listener.accept().unwrap().0);
        let request = read_head(&mut stream);
        let key = request
            .lines()
            .filter_map(|line| line.split_once(": "))
            .find_map(|(name, value)| name.eq_ignore_ascii_case("sec-websocket-key").then_some(value))
            .unwrap();
        let accept = actix_http::ws::hash_key(key.as_bytes());
        let answer = format!(
            "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Accept: {}\r\nSec-WebSocket-Protocol: distributed-scope.v1\r\n\r\n",
            String::from_utf8_lossy(&accept)
        );
        // The answer and the first bytes of the frame come at once, so that the codec has some of
        // it from
        // the start.
        let mut first = answer.into_bytes();
        first.extend(header(0x82, 1 << 30, false));
        stream.write_all(&first).unwrap();
        pour(&mut stream, &[0; 64 << 10]);
        assert!(is_cut_off(&mut stream));
    });
    let (outcome, ()) = futures_util::join!(victim.home.peer.run(have_it_dial(victim.id, url)), attack);
    let outcome = outcome.unwrap();
    assert!(outcome.ends_with("closed the connection before the session was open"), "{outcome}");
    victim.is_unharmed(before, "the frame").await;
}
