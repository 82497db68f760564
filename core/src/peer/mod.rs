//! A peer without the world it lives in: what the Actix peer and the browser peer have in common.
//!
//! What differs between them is a [`Platform`]: a clock, tasks, a way to end a connection, and a control plane. Everything
//! else is here, so a peer of another kind consists of a platform, of sockets, and of the handle that its users hold.
//!
//! | module | idea |
//! |---|---|
//! | `platform` | what a peer needs of the world it lives in |
//! | `shared` | what all handles, sessions and blocks of one peer share; it is their [`Host`](crate::host::Host) |
//! | `roster`, `routes` | who may join; which peer is reachable by which session |
//! | `sessions` | what those see who look after a peer: its sessions, and their changes |
//! | `waiting` | calls that wait for peers which are not connected |
//! | `link` | a session, as the rest of the peer sees it from any thread; it outlives its connections |
//! | `connection`, `out` | one connection: handshake, then the session it carries, then the goodbye; what it has to send |
//! | `carry` | drives a connection over a socket that hands over whole messages |
//! | `endpoint` | where a peer connects to, and what it shows there |
//! | `start_error`, `connect_error` | why a peer does not start, and why it does not connect |
//! | `ticker` | lets time pass for a session |
//! | `reconnect` | staying connected to a place: dialling, coming back after a loss |
//! | `executor`, `own`, `running` | runs blocks for other peers and for the peer itself: guarded, once in place, then as tasks |
//! | `differences` | how the other side's blocks differ from ours |

mod carry;
mod connect_error;
mod connection;
mod detached;
mod differences;
mod endpoint;
mod executor;
mod goodbye;
mod link;
mod out;
mod own;
mod platform;
mod reconnect;
mod roster;
mod routes;
mod running;
mod sessions;
mod shared;
mod start_error;
mod ticker;
mod waiting;

pub use self::carry::{Arrival, Messages, carry};
pub use self::connect_error::{ConnectCause, ConnectError};
pub use self::connection::{Asked, Connection, Next, Opened};
pub use self::endpoint::Endpoint;
pub use self::goodbye::Goodbye;
pub use self::link::{Epoch, Link};
pub use self::out::{Out, Outgoing, Written};
pub use self::platform::{Kill, Platform, Task};
pub use self::reconnect::{
    Credential, Dial, LinkEnd, LinkHandle, LinkStatus, LinkWatch, Place, ReauthenticateError,
};
pub use self::roster::{Admitted, Join, Notice, Roster, settle};
pub use self::routes::Routes;
pub use self::sessions::{Changes, SessionInfo, SessionWatch};
pub use self::shared::{Parts, Shared};
pub use self::start_error::StartError;
