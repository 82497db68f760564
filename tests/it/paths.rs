//! Paths between two machines that fail like real ones: a call at the default deadline gets its
//! value, and its block runs once.
//!
//! The machines are network namespaces. Making them needs root and `ip`; if they are not
//! available, the tests report that and are skipped.
#![cfg(target_os = "linux")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use distributed_scope::{Blocks, Endpoint, Peer, PeerId, RemoteError, distributed, here, remote};
use tokio::sync::Semaphore;

use crate::black_hole::{ip, skip};
use crate::process::{Process, say_where};
use crate::support::{Listening, open};

const NAME: &str = "DISTRIBUTED_SCOPE_TEST_PATHS";

/// Does nothing in an ordinary run: it is what the process on the other machine runs.
#[actix_web::test]
async fn the_far_process() {
    let Ok(name) = std::env::var(NAME) else { return };
    let builder = Peer::builder(PeerId::named(&name)).expose(Blocks::all());
    let server = Listening::start_at("::", builder.allow_first_come().data(Runs::default()));
    say_where(&server.url());
    std::future::pending::<()>().await;
}

/// How often the block ran on the other machine.
#[derive(Default)]
struct Runs(AtomicU32);

/// Counts its runs; sends this many bytes there and back.
#[distributed]
async fn count(on: PeerId, there: usize, back: usize) -> Result<u32, RemoteError> {
    let padding = vec![7u8; there];
    let (runs, padding) = remote!(on, [padding, back], {
        assert!(padding.iter().all(|byte| *byte == 7));
        (here::data::<Runs>()?.0.fetch_add(1, Ordering::Relaxed) + 1, vec![7u8; back])
    })
    .await?;
    assert_eq!(padding.len(), back);
    Ok(runs)
}

/// The other machine, and those between; all are gone when this is dropped.
struct Network {
    /// What the names of all parts begin with.
    name: String,
    subnet: String,
    namespaces: Vec<String>,
    links: Vec<String>,
}

impl Network {
    /// The `number` tells the networks of one process apart.
    fn new(number: u8) -> Option<Self> {
        let process = std::process::id();
        let name = format!("p{process:x}{number}");
        // Of a range for tests between networks (RFC 2544), and of another half of it than those of
        // `black_hole`.
        let subnet = format!("198.{}.{}.", 18 + (process & 1), 255 - ((process >> 1) as u8 ^ number));
        let mut network = Self { name, subnet, namespaces: Vec::new(), links: Vec::new() };
        if network.add_namespace("far") {
            return Some(network);
        }
        skip("a network namespace cannot be made here: it takes root and `ip` of iproute2");
        None
    }

    fn far(&self) -> String {
        format!("{}far", self.name)
    }

    fn add_namespace(&mut self, end: &str) -> bool {
        let namespace = format!("{}{end}", self.name);
        let is_made = ip(&["netns", "add", &namespace]) && ip(&["-n", &namespace, "link", "set", "lo", "up"]);
        self.namespaces.push(namespace);
        is_made
    }

    /// A link from this machine to one between, and one from there to the other machine. Gives the
    /// names of the machine between, of its two ends, and of the outer two.
    fn add_links(&mut self, number: usize) -> Option<[String; 5]> {
        let name = self.name.clone();
        let [mid, near, in_, out, far] =
            ["mid", "a", "b", "c", "d"].map(|end| format!("{name}{end}{number}"));
        let is_made = self.add_namespace(&format!("mid{number}"))
            && ip(&["link", "add", &near, "type", "veth", "peer", "name", &in_, "netns", &mid])
            && ip(&[
                "-n",
                &mid,
                "link",
                "add",
                &out,
                "type",
                "veth",
                "peer",
                "name",
                &far,
                "netns",
                &self.far(),
            ]);
        self.links.push(near.clone());
        is_made.then_some([mid, in_, out, near, far])
    }

    /// A path over a router. Gives the router, its two ends, and the address of the other machine
    /// at the end of the path.
    fn route(&mut self, number: usize, is_v6: bool) -> Option<Route> {
        let [mid, in_, out, near, far] = self.add_links(number)?;
        let far_namespace = self.far();
        let (subnet, at, bits) = (self.subnet.clone(), number * 16, if is_v6 { "126" } else { "30" });
        let prefix = subnet.trim_end_matches('.').replace('.', ":");
        let address = |n: usize| match is_v6 {
            true => format!("fd00:{prefix}::{:x}", at + n),
            false => format!("{subnet}{}", at + n),
        };
        let with_bits = |n: usize| format!("{}/{bits}", address(n));
        let forward = match is_v6 {
            true => "echo 1 > /proc/sys/net/ipv6/conf/all/forwarding",
            false => "echo 1 > /proc/sys/net/ipv4/ip_forward",
        };
        let add = |namespace: Option<&str>, address: &str, device: &str| {
            let at = namespace.map_or(vec![], |namespace| vec!["-n", namespace]);
            let v6 = if is_v6 { vec!["nodad"] } else { vec![] };
            ip(&[&at[..], &["addr", "add", address, "dev", device], &v6[..]].concat())
                && ip(&[&at[..], &["link", "set", device, "up"]].concat())
        };
        let is_made = add(None, &with_bits(1), &near)
            && add(Some(&mid), &with_bits(2), &in_)
            && add(Some(&mid), &with_bits(5), &out)
            && add(Some(&far_namespace), &with_bits(6), &far)
            && ip(&["netns", "exec", &mid, "sh", "-c", forward])
            && ip(&["route", "add", &with_bits(4), "via", &address(2)])
            && ip(&["-n", &far_namespace, "route", "add", &with_bits(0), "via", &address(5)]);
        is_made.then(|| Route { mid, ends: [in_, out], address: address(6), is_v6 })
    }

    /// A path that loses packets of more than 1,280 bytes without notifying the sender. Returns
    /// the address of the other machine.
    fn narrow(&mut self) -> Option<String> {
        let [mid, in_, out, near, far] = self.add_links(0)?;
        let far_namespace = self.far();
        let [ours, theirs] = [1, 2].map(|n| format!("{}{n}", self.subnet));
        let at = ["-n", &mid, "link"];
        let is_made = ip(&[&at[..], &["add", "dev", "bridge", "type", "bridge"]].concat())
            && [&in_, &out].iter().all(|end| {
                ip(&[&at[..], &["set", "dev", end, "master", "bridge"]].concat())
                    && ip(&[&at[..], &["set", "dev", end, "mtu", "1280"]].concat())
                    && ip(&[&at[..], &["set", "dev", end, "up"]].concat())
            })
            && ip(&[&at[..], &["set", "dev", "bridge", "up"]].concat())
            // Otherwise many packets pass as one, which is not measured.
            && ip(&["link", "set", "dev", &near, "gso_max_segs", "1"])
            && ip(&["-n", &far_namespace, "link", "set", "dev", &far, "gso_max_segs", "1"])
            && ip(&["addr", "add", &format!("{ours}/24"), "dev", &near])
            && ip(&["link", "set", "dev", &near, "up"])
            && ip(&["-n", &far_namespace, "addr", "add", &format!("{theirs}/24"), "dev", &far])
            && ip(&["-n", &far_namespace, "link", "set", "dev", &far, "up"]);
        is_made.then_some(theirs)
    }

    /// A server on the other machine: its process, its id, and its port.
    fn server(&self) -> (Process, PeerId, u16) {
        let by = ["ip", "netns", "exec", &self.far()];
        let (process, url) = Process::start_server_by(&by, "paths::the_far_process", &[(NAME, &self.name)]);
        let port = url.rsplit(':').next().and_then(|rest| rest.split('/').next()).unwrap().parse().unwrap();
        (process, PeerId::named(&self.name), port)
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        // With a namespace go its ends of links, and with them the others.
        for link in &self.links {
            ip(&["link", "del", link]);
        }
        for namespace in &self.namespaces {
            ip(&["netns", "del", namespace]);
        }
    }
}

/// A path over a router.
struct Route {
    mid: String,
    ends: [String; 2],
    address: String,
    is_v6: bool,
}

impl Route {
    fn at(&self, port: u16) -> SocketAddr {
        SocketAddr::new(self.address.parse().unwrap(), port)
    }

    /// The router drops what matches, without notifying the sender.
    fn drop_all(&self, what: &[&str]) {
        let family = if self.is_v6 { "-6" } else { "-4" };
        let rule = [&["-n", &self.mid, family, "rule", "add", "pref", "10"], what, &["blackhole"]].concat();
        assert!(ip(&rule), "{rule:?}");
    }

    /// Nothing comes from this end any more.
    fn silence(&self, end: usize) {
        self.drop_all(&["iif", &self.ends[end]]);
    }
}

/// The port of this process's connection to an address.
fn port_of_connection_to(address: SocketAddr) -> Option<u16> {
    let SocketAddr::V4(v4) = address else { panic!("IPv4 alone") };
    let wanted = format!("{:08X}:{:04X}", u32::from_ne_bytes(v4.ip().octets()), v4.port());
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let fields = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let line = table.lines().map(fields).find(|line| line[2] == wanted && line[3] == "01")?;
    Some(u16::from_str_radix(line[1].rsplit(':').next()?, 16).unwrap())
}

/// A client that is connected to the server at these addresses.
async fn client(port: u16, addresses: impl IntoIterator<Item = SocketAddr>) -> Peer {
    let client = open().start();
    let endpoint = Endpoint::new(format!("ws://far.example:{port}/scope")).addresses(addresses);
    client.connect(endpoint).await.unwrap();
    client
}

/// Makes a call, which has to be the n-th one that runs.
#[expect(clippy::print_stderr, reason = "how long it takes is what one wants to know")]
async fn call(client: &Peer, on: PeerId, size: [usize; 2], nth: u32) {
    let begun = Instant::now();
    assert_eq!(client.run(count(on, size[0], size[1])).await.unwrap(), nth);
    eprintln!("call {nth} took {:?}", begun.elapsed());
}

/// The link in use, of two, goes dark, in both directions or in one.
#[actix_web::test]
async fn dark_link_costs_no_call() {
    for (number, silent) in [(0, &[0, 1][..]), (1, &[0]), (2, &[1])] {
        let Some(mut network) = Network::new(number) else { return };
        let routes = [0, 1].map(|n| network.route(n, false).expect("two links"));
        let (_process, on, port) = network.server();
        let client = client(port, routes.iter().map(|route| route.at(port))).await;
        call(&client, on, [1, 1], 1).await;
        silent.iter().for_each(|end| routes[0].silence(*end));
        call(&client, on, [1, 1], 2).await;
    }
}

/// A router forgets a connection, as one with a NAT does, and takes new ones.
#[actix_web::test]
async fn forgotten_entry_costs_no_call() {
    let Some(mut network) = Network::new(3) else { return };
    let route = network.route(0, false).expect("a link");
    let (_process, on, port) = network.server();
    let client = client(port, [route.at(port)]).await;
    call(&client, on, [1, 1], 1).await;
    let ours = port_of_connection_to(route.at(port)).unwrap().to_string();
    route.drop_all(&["ipproto", "tcp", "sport", &ours]);
    route.drop_all(&["ipproto", "tcp", "dport", &ours]);
    call(&client, on, [1, 1], 2).await;
}

/// A host has an IPv6 address that leads nowhere, from the beginning or from a later time on.
#[actix_web::test]
async fn dead_ipv6_costs_no_call() {
    for (number, is_dead_at_first) in [(4, true), (5, false)] {
        let Some(mut network) = Network::new(number) else { return };
        let [v6, v4] = [true, false].map(|is_v6| network.route(usize::from(is_v6), is_v6));
        let Some(v6) = v6 else { return skip("there is no IPv6 here") };
        let v4 = v4.expect("a link");
        let (_process, on, port) = network.server();
        if is_dead_at_first {
            v6.silence(0);
        } else {
            // It takes a moment until neighbours are known.
            std::net::TcpStream::connect(v6.at(port)).unwrap();
        }
        let client = client(port, [v6.at(port), v4.at(port)]).await;
        call(&client, on, [1, 1], 1).await;
        assert_eq!(port_of_connection_to(v4.at(port)).is_some(), is_dead_at_first);
        if !is_dead_at_first {
            v6.silence(0);
        }
        call(&client, on, [1, 1], 2).await;
    }
}

/// Packets of more than 1,280 bytes get lost without notifying the sender: with a question that
/// does not fit into one, an answer, and one of a megabyte.
#[actix_web::test]
async fn lost_large_packets_cost_no_call() {
    for (number, size) in [(6, [2_000, 1]), (7, [1, 2_000]), (8, [1, 1 << 20])] {
        let Some(mut network) = Network::new(number) else { return };
        let address = network.narrow().expect("a link");
        let (_process, on, port) = network.server();
        let client = client(port, [SocketAddr::new(address.parse().unwrap(), port)]).await;
        call(&client, on, [1, 1], 1).await;
        call(&client, on, size, 2).await;
        call(&client, on, [100_000, 100_000], 3).await;
    }
}

/// The same with a question of the other machine to a client that has none, and so does not look
/// at its connection.
#[actix_web::test]
async fn lost_question_costs_no_call() {
    #[distributed]
    async fn ask_back(on: PeerId, home: PeerId) -> Result<(), RemoteError> {
        remote!(on, [home], {
            let padding = vec![7u8; 2_000];
            drop(remote!(home, [padding], { here::data::<Semaphore>()?.add_permits(padding.len()) }).spawn());
        })
        .await
    }
    let Some(mut network) = Network::new(9) else { return };
    let address = network.narrow().expect("a link");
    let (_process, on, port) = network.server();
    let asked = Arc::new(Semaphore::new(0));
    let client = open().shared_data(Arc::clone(&asked)).start();
    client.connect(format!("ws://{address}:{port}/scope")).await.unwrap();
    client.run(ask_back(on, client.id())).await.unwrap();
    // The question has the deadline of an ordinary call, and does not come after that.
    let come = tokio::time::timeout(Duration::from_secs(60), asked.acquire_many(2_000));
    drop(come.await.expect("it comes").unwrap());
}
