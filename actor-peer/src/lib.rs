//! The Actix peer of `distributed-scope`: users depend on `distributed-scope`, which re-exports
//! this.
//!
//! | module | idea |
//! |---|---|
//! | `peer`, `builder` | the handle that programs hold |
//! | `platform`, `clock` | the world of an Actix peer, as the core's part of a peer sees it |
//! | `actor` | the peer actor: who may join, who waits for whom, dialling |
//! | `endpoint` | where a peer connects to, and what it shows there |
//! | `key_file` | the key pair of a peer in a file |
//! | `gate` | what is asked of those who connect, before there is a session |
//! | `tls` | `wss://` at both ends (feature `rustls`) |
//! | `jwt` | clients are known by JSON web tokens (feature `jwt`) |
//! | `warm` | what the allocator learns before there are large messages |
//! | `serve` | a server with a peer in it, until the process is told to end |
//! | `session` | one connection: the server's end, which is a response body, and the client's, which is a task |
//!
//! What is the same for a peer of any kind is in `distributed_scope_core::peer`.
//!
//! Invariants: the code of a block never runs unguarded in an actor's turn; a call on the
//! session's own thread crosses no thread and no mailbox; only the peer actor has the roster,
//! which alone writes the routes.

mod actor;
mod builder;
mod clock;
mod connection;
mod endpoint;
mod gate;
#[cfg(feature = "jwt")]
pub mod jwt;
pub mod key_file;
mod peer;
mod platform;
mod serve;
#[cfg(feature = "rustls")]
pub mod tls;
mod warm;

pub use actor::{Invoke, PeerActor};
pub use builder::Builder;
pub use connection::on_connect;
pub use distributed_scope_core::peer::{
    ConnectCause, ConnectError, Credential, LinkEnd, LinkHandle, LinkStatus, LinkWatch, ReauthenticateError,
    SessionInfo, SessionWatch, StartError,
};
pub use endpoint::Endpoint;
pub use gate::{Authenticate, NoHost, NoNetwork, NoOrigin, Upgrade};
pub use peer::Peer;

#[cfg(not(feature = "actix-web-actors"))]
use connection::accept::accept;
/// An app that names `actix-web-actors` means it.
#[cfg(feature = "actix-web-actors")]
use connection::accept_context::accept;
