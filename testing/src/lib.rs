//! Tests of distributed functions without sockets.
//!
//! A [`Net`] holds peers of one process. They run the same session, handshake, reconnect and
//! dispatch code as peers over sockets, joined by connections in memory. A test can delay and cut
//! connections, partition peers from each other, and kill and restart them.
//!
//! - **Time is virtual.** The clock advances when no task can run, and then at once to the next
//!   timer. A test that waits for 30 s takes milliseconds. `tokio::time` in the code under test
//!   uses the same clock.
//! - **A seed replays a run.** Delays and random failures follow from the seed. A test that fails
//!   prints it; `DISTRIBUTED_SCOPE_SEED=7 cargo test name` runs that seed alone. What the code
//!   under test draws itself (`tokio::select!` without `biased`, random numbers, threads) is not
//!   part of the seed.
//!
//! `#[distributed_scope::test]` starts a peer for each parameter, exposes all blocks and connects
//! the peers with each other:
//!
//! ```
//! use distributed_scope::testing::{Net, Peer};
//! use distributed_scope::{PeerId, RemoteError, distributed, remote};
//!
//! #[distributed]
//! async fn greet(server: PeerId, name: String) -> Result<String, RemoteError> {
//!     remote!(server, [name], { format!("Hello, {name}!") }).await
//! }
//!
//! # mod hidden { // a function with this attribute inside of a documentation test would not run
//! # use super::*;
//! #[distributed_scope::test(seeds = 100)]
//! async fn greeting_survives_a_cut(net: Net, server: Peer, client: Peer) {
//!     // The connection is cut at about one of ten messages.
//!     net.cut_one_in(10);
//!     let text = client.run(greet(server.id(), "Ada".to_owned())).await.unwrap();
//!     assert_eq!(text, "Hello, Ada!");
//!     net.expect_ran_once("greet");
//! }
//! # }
//! ```
//!
//! [`Net::run`] does the same step by step, for tests that need other peers:
//!
//! ```
//! # use distributed_scope::testing::Net;
//! # use distributed_scope::{Blocks, PeerId, Principal, Proof, RemoteError, distributed, remote};
//! # #[distributed]
//! # async fn greet(server: PeerId, name: String) -> Result<String, RemoteError> {
//! #     remote!(server, [name], { format!("Hello, {name}!") }).await
//! # }
//! Net::run(7, async |net| {
//!     let server = net.peer("server").expose(Blocks::all()).start();
//!     let ada = net.peer("ada").principal(Principal::new("ada", Proof::Token)).start();
//!     ada.connect(&server).await.unwrap();
//!     assert_eq!(ada.run(greet(server.id(), "Ada".into())).await.unwrap(), "Hello, Ada!");
//! });
//! ```
//!
//! | module | idea |
//! |---|---|
//! | `run`, `seeds` | a test: its runtime; running it with several seeds |
//! | `net` | the network that a test sees, and its failures |
//! | `builder`, `peer` | a peer: its options, and its handle |
//! | `weather` | delays, cuts and partitions |
//! | `world` | the peers and connections of the network |
//! | `connection` | a connection in memory |
//! | `dial` | making and accepting connections |
//! | `process` | the tasks of a peer, which end with it |
//! | `clock` | virtual time |
//! | `platform`, `control` | the runtime and the control plane of a peer |
//! | `random` | random numbers that follow from a seed |

mod builder;
mod clock;
mod connection;
mod control;
mod dial;
mod net;
mod peer;
mod platform;
mod process;
mod random;
mod run;
mod seeds;
mod weather;
mod world;

pub use crate::builder::Builder;
pub use crate::net::Net;
pub use crate::peer::Peer;
pub use crate::seeds::Outcome;

/// Called by the code that `#[distributed_scope::test]` generates. Not part of the public
/// interface.
#[doc(hidden)]
pub mod __private {
    pub use crate::peer::connect_all;
    pub use crate::seeds::run_seeds;
}
