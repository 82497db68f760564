//! The Actix peer of `distributed-scope`. Users depend on `distributed-scope`, which re-exports
//! this crate.
//!
//! | module | idea |
//! |---|---|
//! | `peer`, `builder` | the handle that a program keeps |
//! | `platform`, `clock` | the environment of an Actix peer, as the core sees it |
//! | `actor` | the peer actor: accepting sessions, waiting callers, dialling |
//! | `bulk` | an `AsyncRead` as a stream, and a receiver as an `AsyncRead` |
//! | `endpoint` | where a peer connects to, and the credential it sends |
//! | `key_file` | the key pair of a peer in a file |
//! | `gate` | the checks of a connecting client, before there is a session |
//! | `tls` | `wss://` for servers and clients (feature `rustls`) |
//! | `warm` | prepares the allocator for large messages |
//! | `serve` | a server with a peer, until the process receives a termination signal |
//! | `connection` | one connection: the server end, which is a response body, and the client end, which is a task |
//!
//! The parts shared by all kinds of peers are in `distributed_scope_core::peer`.
//!
//! Invariants: block code never runs unguarded in a turn of an actor. A call on the thread of its
//! session crosses no thread and no mailbox. Only the peer actor has the roster, and only the
//! roster writes the routes.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod actor;
mod builder;
mod bulk;
mod clock;
mod connection;
mod endpoint;
mod gate;
pub mod key_file;
mod peer;
mod platform;
mod serve;
#[cfg(feature = "rustls")]
pub mod tls;
mod warm;

/// Helpers of the crates of this workspace. Not part of the public interface.
#[doc(hidden)]
pub mod internal {
    pub use crate::endpoint::is_this_machine;
    #[cfg(feature = "rustls")]
    pub use crate::tls::{for_http, usual_client};
}

pub use actor::{Invoke, PeerActor};
pub use builder::Builder;
pub use bulk::{ByteReader, ByteStream, from_async_read, into_async_read};
pub use connection::on_connect;
pub use distributed_scope_core::peer::{
    ConnectCause, ConnectError, Credential, LinkEnd, LinkHandle, LinkStatus, LinkWatch, PeerChange,
    PeersChanged, ReauthenticateError, SessionInfo, SessionWatch, StartError,
};
pub use endpoint::Endpoint;
pub use gate::{Authenticate, NoHost, NoNetwork, NoOrigin, Upgrade};
pub use peer::Peer;

#[cfg(not(feature = "actix-web-actors"))]
use connection::accept::accept;
/// An app that enables `actix-web-actors` gets that back end.
#[cfg(feature = "actix-web-actors")]
use connection::accept_context::accept;
