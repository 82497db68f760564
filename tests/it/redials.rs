//! How a client reconnects: how fast, how long, and what it logs.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use actix_web::rt::task::spawn_blocking;
use distributed_scope::{Builder, Limits, PeerId};
use distributed_scope_core::frame::{SessionId, Token};
use distributed_scope_core::handshake::{Invitation, Us};
use tracing::Dispatch;
use tracing::subscriber::DefaultGuard;

use crate::proxy::Proxy;
use crate::raw_server::{accept, hear, request, say};
use crate::support::{Listening, open};

/// The warnings that are logged on this thread, where a test's peers and their connections are.
#[derive(Clone, Default)]
pub(crate) struct Warnings(Arc<Mutex<Vec<u8>>>);

impl Warnings {
    /// Until the guard is dropped, on this thread.
    pub(crate) fn collect() -> (Self, DefaultGuard) {
        // As long as there is one subscriber alone, a thread without it that is the first to come
        // to a
        // line turns it off for all.
        static ANOTHER: OnceLock<Dispatch> = OnceLock::new();
        ANOTHER.get_or_init(|| {
            let sink = tracing_subscriber::fmt().with_max_level(tracing::Level::WARN);
            sink.with_writer(std::io::sink).finish().into()
        });
        let warnings = Self::default();
        let guard = tracing::dispatcher::set_default(&warnings.dispatch(tracing::Level::WARN));
        (warnings, guard)
    }

    /// What collects them, and what is less important.
    pub(crate) fn dispatch(&self, level: tracing::Level) -> Dispatch {
        let writer = self.clone();
        let subscriber = tracing_subscriber::fmt().with_max_level(level).with_ansi(false);
        subscriber.with_writer(move || writer.clone()).finish().into()
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        // Blocks that cannot travel are logged once in a process, which may be in any test.
        let lines = text.lines().filter(|line| !line.contains("::registry:"));
        lines.map(str::to_owned).collect()
    }
}

impl Write for Warnings {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Opens a new session with the next peer that dials, as the peer of this id.
pub(crate) fn welcome(listener: &TcpListener, id: PeerId) -> TcpStream {
    let (us, invitation) = (Us::new(&id.into(), &Limits::default(), 0), Invitation::new());
    let mut stream = accept(listener);
    say(&mut stream, &invitation.frame());
    let guest = invitation.accept(&us, hear(&mut stream)).unwrap().unwrap();
    let ticket = (SessionId::random(), Token::random());
    say(&mut stream, &guest.welcome(&us, ticket, Duration::from_secs(60)));
    stream
}

/// Opens a new session, and drops the connection as soon as the client has the session, of which
/// it says something then.
fn hang_up(listener: &TcpListener, id: PeerId) {
    hear(&mut welcome(listener, id));
}

/// Answers the next client that dials with this status, and waits until the client has closed.
pub(crate) fn refuse(listener: &TcpListener, status: &str) {
    let (mut stream, _) = request(listener);
    stream.write_all(format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n").as_bytes()).unwrap();
    let _ = stream.read_to_end(&mut Vec::new());
}

/// A client that comes back after at most this long at first.
pub(crate) fn dialler(reconnect: Duration) -> Builder {
    open().limits(Limits::default().with_reconnect_delay(reconnect))
}

pub(crate) fn listening() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}/scope", listener.local_addr().unwrap());
    (listener, url)
}

/// A client that is refused repeatedly logs one warning for each cause, and reconnects when it is
/// accepted.
#[actix_web::test]
async fn each_cause_is_warned_of_once() {
    let (warnings, _guard) = Warnings::collect();
    let (listener, url) = listening();
    let [first, second] = [PeerId::random(), PeerId::random()];
    let server = spawn_blocking(move || {
        hang_up(&listener, first);
        for status in ["503 No", "503 No", "401 No", "503 No", "404 No", "401 No"] {
            refuse(&listener, status);
        }
        welcome(&listener, second)
    });
    let client = dialler(Duration::from_micros(20)).start();
    assert_eq!(client.connect(url).await.unwrap(), first);
    client.connected(second).await;
    let _open = server.await.unwrap();
    let lines = warnings.lines();
    assert_eq!(lines.len(), 3, "{lines:#?}");
    for (line, status) in lines.iter().zip(["HTTP 503", "HTTP 401", "HTTP 404"]) {
        assert!(line.contains(status) && line.contains("cannot connect yet"), "{line}");
    }
}

/// If a server asks for a pause of one second, the client waits that long.
#[actix_web::test]
async fn retry_after_delays_the_next_dial() {
    let (listener, url) = listening();
    let id = PeerId::random();
    let server = spawn_blocking(move || {
        hang_up(&listener, id);
        let asked = Instant::now();
        refuse(&listener, "503 No\r\nRetry-After: 1");
        let open = welcome(&listener, PeerId::random());
        (asked.elapsed(), open)
    });
    let client = dialler(Duration::from_micros(20)).start();
    client.connect(url).await.unwrap();
    let (waited, _open) = server.await.unwrap();
    assert!(waited >= Duration::from_secs(1), "{waited:?}");
}

/// A server that opens sessions and hangs up is dialled ever more slowly. Twelve pauses of
/// constant length would be 60 ms together. Growing pauses are random, and shorter than 150 ms
/// together once in many thousand times.
#[actix_web::test]
async fn server_that_hangs_up_is_dialled_slower() {
    let (listener, url) = listening();
    let id = PeerId::random();
    let server = spawn_blocking(move || {
        hang_up(&listener, id);
        let hung_up = Instant::now();
        for _ in 0..12 {
            hang_up(&listener, id);
        }
        hung_up.elapsed()
    });
    let client = dialler(Duration::from_millis(5)).start();
    client.connect(url).await.unwrap();
    let elapsed = server.await.unwrap();
    assert!(elapsed >= Duration::from_millis(150), "{elapsed:?}");
}

/// A client whose connections are cut as soon as they are idle for a while logs one warning, which
/// says what to change.
#[actix_web::test]
async fn idle_limit_is_noticed() {
    let server = Listening::start(open());
    let proxy = Proxy::start(server.address.clone()).await;
    // Each side says something every 1.6 s, which is later than the proxy waits.
    let limits = Limits::default()
        .with_idle_timeout(Duration::from_millis(3_200))
        .with_write_timeout(Duration::from_millis(800));
    let client = open().limits(limits).start();
    let on = client.connect(proxy.url()).await.unwrap();
    let (warnings, _guard) = Warnings::collect();
    for connection in 1..=4 {
        // The proxy's limit.
        tokio::time::sleep(Duration::from_millis(1_000)).await;
        proxy.cut_now();
        while proxy.connections() <= connection {
            tokio::task::yield_now().await;
        }
        client.connected(on).await;
    }
    let lines = warnings.lines();
    let told = lines.iter().filter(|line| line.contains("has an idle limit"));
    assert_eq!(told.count(), 1, "{lines:#?}");
    assert!(lines.iter().any(|line| line.contains("lower `Limits::idle_timeout`")), "{lines:#?}");
}
