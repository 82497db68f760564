//! A link between two machines that goes down: all packets are lost in both directions, without an
//! error at either end.
//!
//! The other machine is a network namespace. Making one needs root and `ip`; if they are not
//! available, the tests report that and are skipped.
#![cfg(target_os = "linux")]

use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use distributed_scope::{
    Blocks, ErrorKind, Limits, Peer, PeerId, Ran, RemoteError, distributed, here, remote,
};
use futures_util::join;
use parking_lot::Mutex;

use crate::lifecycle::Gate;
use crate::process::{Process, say_where};
use crate::support::{Listening, open};

const NAME: &str = "DISTRIBUTED_SCOPE_TEST_FAR";
const ADDRESS: &str = "DISTRIBUTED_SCOPE_TEST_FAR_ADDRESS";

/// Does nothing in an ordinary run: it is what the process on the other machine runs.
#[actix_web::test]
async fn the_far_process() {
    let (Ok(name), Ok(address)) = (std::env::var(NAME), std::env::var(ADDRESS)) else {
        return;
    };
    let builder = Peer::builder(PeerId::named(&name)).expose(Blocks::all()).limits(limits());
    // The other side of the link is not on this machine.
    let builder = builder.allow_first_come().data(Starts::default());
    let server = Listening::start_at(&address, builder);
    say_where(&server.url());
    std::future::pending::<()>().await;
}

/// How often the block ran on the other machine.
#[derive(Default)]
struct Starts(Mutex<u32>);

/// Both sides notice soon, and try again soon.
fn limits() -> Limits {
    Limits::default()
        .with_idle_timeout(Duration::from_millis(500))
        .with_handshake_timeout(Duration::from_millis(500))
        .with_reconnect_delay(Duration::from_millis(50))
}

/// A network of two machines. The other machine is removed when this is dropped.
struct Network {
    namespace: String,
    ours: String,
    theirs: String,
    address: String,
}

impl Network {
    /// The `number` tells the networks of one process apart.
    fn new(number: u8) -> Option<Self> {
        let process = std::process::id();
        // Interface names have at most 15 bytes.
        let name = |end: &str| format!("ds{process:x}{end}{number}");
        // Of a range for tests between networks (RFC 2544); two processes that test at once should
        // not
        // meet.
        let subnet = format!("198.{}.{}.", 18 + (process & 1), (process >> 1) & 0xFF);
        let (first, second) = (number * 4 + 1, number * 4 + 2);
        let network = Self {
            namespace: name("n"),
            ours: name("a"),
            theirs: name("b"),
            address: format!("{subnet}{second}"),
        };
        let Self { namespace, ours, theirs, address } = &network;
        let is_made = ip(&["netns", "add", namespace])
            && ip(&["link", "add", ours, "type", "veth", "peer", "name", theirs, "netns", namespace])
            && ip(&["addr", "add", &format!("{subnet}{first}/30"), "dev", ours])
            && ip(&["link", "set", ours, "up"])
            && ip(&["-n", namespace, "addr", "add", &format!("{address}/30"), "dev", theirs])
            && ip(&["-n", namespace, "link", "set", "lo", "up"])
            && network.set("up");
        if !is_made {
            skip("a network namespace cannot be made here: it takes root and `ip` of iproute2");
        }
        is_made.then_some(network)
    }

    /// The far end of the link goes `up` or `down`; the near end is not notified.
    fn set(&self, state: &str) -> bool {
        ip(&["-n", &self.namespace, "link", "set", &self.theirs, state])
    }

    /// A server on the other machine, and a client here that is connected to it.
    async fn server_and_client(&self, limits: Limits) -> (Process, PeerId, Peer, Arc<Gate>) {
        let gate = Arc::new(Gate::default());
        let client = open().limits(limits).shared_data(Arc::clone(&gate)).start();
        let name = format!("far {}", client.id());
        let (process, url) = Process::start_server_by(
            &["ip", "netns", "exec", &self.namespace],
            "black_hole::the_far_process",
            &[(NAME, &name), (ADDRESS, &self.address)],
        );
        let on = client.connect(url).await.unwrap();
        (process, on, client, gate)
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        // With the namespace goes its end of the link, and with that end the other.
        ip(&["netns", "del", &self.namespace]);
        ip(&["link", "del", &self.ours]);
    }
}

/// Whether it worked.
pub(crate) fn ip(arguments: &[&str]) -> bool {
    let status = Command::new("ip").args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

#[expect(clippy::print_stderr, reason = "a test that is skipped says why")]
pub(crate) fn skip(why: &str) {
    eprintln!("skipped: {why}");
}

/// Says that it runs, then waits until the caller's gate is opened.
#[distributed]
async fn held(on: PeerId, home: PeerId) -> Result<u32, RemoteError> {
    remote!(on, [home], {
        *here::data::<Starts>()?.0.lock() += 1;
        remote!(home, [], { here::data::<Gate>()?.pass().await }).await?;
        *here::data::<Starts>()?.0.lock()
    })
    .without_timeout()
    .await
}

#[actix_web::test]
async fn a_call_into_a_black_hole_ends_as_disconnected() {
    let Some(network) = Network::new(0) else { return };
    let limits = limits().with_resume_window(Duration::from_millis(100));
    let (_process, on, client, gate) = network.server_and_client(limits).await;
    let (result, ()) = join!(client.run(held(on, client.id())), async {
        gate.until_running(1).await;
        assert!(network.set("down"));
    });
    let error = result.unwrap_err();
    assert_eq!((error.kind(), error.ran()), (&ErrorKind::Disconnected, Ran::Maybe));
}

#[actix_web::test]
async fn a_call_whose_link_was_down_for_a_while_runs_once_and_gets_its_value() {
    let Some(network) = Network::new(1) else { return };
    let (_process, on, client, gate) = network.server_and_client(limits()).await;
    let (result, ()) = join!(client.run(held(on, client.id())), async {
        gate.until_running(1).await;
        assert!(network.set("down"));
        while client.peers().contains(&on) {
            tokio::task::yield_now().await;
        }
        gate.let_go(1);
        assert!(network.set("up"));
    });
    assert_eq!(result.unwrap(), 1, "the block ran once");
}
