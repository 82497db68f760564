//! Sessions with other peers, and the connections that carry them.
//!
//! | module | idea |
//! |---|---|
//! | `link` | a session, as the rest of the peer sees it from any thread; it outlives its connections |
//! | `ticker` | lets time pass for a session |
//! | `connection` | one connection: handshake, then the session it carries, then the goodbye |
//! | `actor`, `writer` | the actor that reads a connection and the task that writes it |
//! | `accept`, `accept_context` | the server's end, by actix-ws or by actix-web-actors |
//! | `dial`, `reconnect` | the client's end, and coming back after a loss |
//! | `kill` | ending a connection that is stuck |

#[cfg(not(feature = "actix-web-actors"))]
pub(crate) mod accept;
#[cfg(feature = "actix-web-actors")]
pub(crate) mod accept_context;
mod actor;
mod connection;
pub(crate) mod dial;
mod differences;
#[cfg(test)]
mod echo_tests;
mod frame_guard;
mod incoming;
mod kill;
mod link;
mod reconnect;
mod ticker;
mod upgrade;
mod writer;

pub(crate) use kill::Kill;
pub(crate) use link::Link;
pub(crate) use reconnect::keep_connected;
pub(crate) use upgrade::Served;
pub use upgrade::on_connect;
