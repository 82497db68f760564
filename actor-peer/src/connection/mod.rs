//! The connections with other peers over WebSockets; the sessions they carry are in the core.
//!
//! | module | idea |
//! |---|---|
//! | `conversation` | one connection between its bytes and its session |
//! | `accept`, `body` | the server's end: a response body that is the session |
//! | `accept_context` | the server's end as an actor, by actix-web-actors |
//! | `accept_outdated` | the server's end, where the client speaks another version of the protocol |
//! | `dial`, `task` | the client's end |
//! | `wire` | WebSocket frames in buffers |
//! | `reader`, `incoming` | what a WebSocket can bring |
//! | `expiry` | when what somebody is known by expires |
//! | `upgrade` | what is checked before a request is upgraded |
//! | `frame_guard` | what is checked before a frame is buffered; `guarded_payload`, where that is the business of another crate |
//! | `kill` | ending a connection that is stuck |

#[cfg(not(feature = "actix-web-actors"))]
pub(crate) mod accept;
#[cfg(feature = "actix-web-actors")]
pub(crate) mod accept_context;
mod accept_outdated;
#[cfg(not(feature = "actix-web-actors"))]
mod body;
mod conversation;
#[cfg(test)]
mod conversation_tests;
pub(crate) mod dial;
#[cfg(test)]
mod echo_tests;
mod expiry;
mod frame_guard;
#[cfg(feature = "actix-web-actors")]
mod guarded_payload;
mod incoming;
mod kill;
mod pace;
mod reader;
mod task;
mod turn;
mod upgrade;
mod wire;

pub(crate) use kill::Kill;
pub(crate) type Link = distributed_scope_core::peer::Link<crate::platform::Actix>;
pub(crate) use upgrade::Served;
pub use upgrade::on_connect;
