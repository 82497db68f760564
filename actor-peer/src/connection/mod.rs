//! The connections with other peers over WebSockets; the sessions they carry are in the core.
//!
//! | module | idea |
//! |---|---|
//! | `conversation` | one connection between its bytes and its session |
//! | `accept`, `body` | the server end: a response body that is the session |
//! | `accept_context` | the server end as an actor, by actix-web-actors |
//! | `accept_outdated` | the server end for clients of another protocol version |
//! | `dial`, `task` | the client end |
//! | `turn`, `pace` | how much input is handled in one go |
//! | `queue` | the busy connections of a thread take turns |
//! | `wire` | WebSocket frames in buffers |
//! | `reader`, `incoming` | the input of a WebSocket |
//! | `expiry` | expiry of credentials |
//! | `upgrade` | the checks before a request is upgraded |
//! | `frame_guard` | the check before a frame is buffered; `guarded_payload`, if another crate does the buffering |
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
mod queue;
mod reader;
mod task;
mod turn;
mod upgrade;
mod wire;

pub(crate) use kill::Kill;
pub(crate) type Link = distributed_scope_core::peer::Link<crate::platform::Actix>;
pub(crate) use upgrade::Served;
pub use upgrade::on_connect;
