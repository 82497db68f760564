//! One WebSocket session with another peer: the shared state, the actor that reads, the task that writes, and the two
//! ways to begin one.

#[cfg(not(feature = "actix-web-actors"))]
pub(crate) mod accept;
#[cfg(feature = "actix-web-actors")]
pub(crate) mod accept_context;
mod actor;
pub(crate) mod dial;
mod frame_guard;
mod incoming;
mod link;
mod upgrade;
mod writer;

pub(crate) use link::Link;
pub(crate) use upgrade::Served;
pub use upgrade::on_connect;
