//! The platform-independent part of a peer: what the Actix peer and the browser peer have in
//! common.
//!
//! A [`Platform`] covers the differences between them: a clock, tasks, a way to end a connection,
//! and a control plane. Everything else is here. So another kind of peer consists of a platform,
//! of sockets, and of the handle that its users hold.
//!
//! | module | idea |
//! |---|---|
//! | `platform` | what a peer needs of the world it lives in |
//! | `shared` | what all handles, sessions and blocks of one peer share; it is their [`Host`](crate::call::host::Host) |
//! | `control` | the control plane: who may join, which session reaches a peer, sessions and their changes, calls that wait for absent peers, differences of blocks |
//! | `link` | a session, as the rest of the peer sees it from any thread; it outlives its connections |
//! | `connection` | one connection: handshake, then the session it carries, then the goodbye; what it has to send; driving it over a socket of whole messages |
//! | `dial` | connecting to an endpoint, why that fails, and staying connected |
//! | `handle` | what the handles of peers over sockets have in common |
//! | `options` | the options that the builders of all kinds of peers have |
//! | `execute` | runs blocks for other peers (`remote`) and for the peer itself (`local`): guarded, once in place, then as tasks |
//! | `start_error` | why a peer does not start |

mod connection;
pub(crate) mod control;
mod dial;
mod execute;
mod handle;
mod link;
mod options;
mod platform;
mod shared;
mod start_error;

pub use self::connection::carry::{Arrival, Messages, carry};
pub use self::connection::goodbye::Goodbye;
pub use self::connection::out::{Out, Outgoing, Written};
pub use self::connection::{Asked, Connection, Next, Opened};
pub use self::control::presence::{PeerChange, PeersChanged};
pub use self::control::roster::{Admitted, Join, Notice, Roster, settle};
pub use self::control::routes::Routes;
pub use self::control::sessions::{Changes, SessionInfo, SessionWatch};
pub use self::dial::connect_error::{ConnectCause, ConnectError};
pub use self::dial::endpoint::Endpoint;
pub use self::dial::reconnect::{
    Credential, Dial, LinkEnd, LinkHandle, LinkStatus, LinkWatch, Place, ReauthenticateError,
};
pub use self::link::{Epoch, Link};
pub use self::platform::{Kill, Platform, Task};
pub use self::shared::{Parts, Shared};
pub use self::start_error::StartError;
