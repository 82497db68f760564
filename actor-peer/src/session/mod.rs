//! The connections with other peers, over WebSockets; what they carry is in the core.
//!
//! | module | idea |
//! |---|---|
//! | `batches` | what has arrived, as many messages at once as there are |
//! | `actor`, `writer` | the actor that reads a connection and the task that writes it |
//! | `reader`, `incoming` | what a WebSocket can bring |
//! | `accept`, `accept_context` | the server's end, by actix-ws or by actix-web-actors |
//! | `dial` | the client's end |
//! | `upgrade`, `frame_guard` | what is checked before a request is upgraded, and before a frame is buffered |
//! | `kill` | ending a connection that is stuck |

#[cfg(not(feature = "actix-web-actors"))]
pub(crate) mod accept;
#[cfg(feature = "actix-web-actors")]
pub(crate) mod accept_context;
mod actor;
mod batches;
pub(crate) mod dial;
#[cfg(test)]
mod echo_tests;
mod frame_guard;
mod incoming;
mod kill;
mod reader;
mod upgrade;
mod writer;

pub(crate) use kill::Kill;
pub(crate) type Link = distributed_scope_core::peer::Link<crate::platform::Actix>;
pub(crate) use upgrade::Served;
pub use upgrade::on_connect;
