//! The browser peer of `distributed-scope`: the same sessions as on a server, over the page's
//! WebSocket.
//!
//! Users depend on `distributed-scope`, which re-exports this crate on `wasm32-unknown-unknown`
//! and the Actix peer everywhere else, under the same names. A page is one thread, so blocks,
//! sessions and the page's own code take turns, as everything in a page does. It only dials:
//! nothing can connect to a page.
//!
//! | module | idea |
//! |---|---|
//! | `peer`, `builder` | the handle that programs hold |
//! | `platform`, `clock`, `sleep` | the world of a page: its clock, its timers, its tasks |
//! | `control` | the control plane: who may join, who waits for whom |
//! | `dial`, `address`, `carry` | connecting, what a URL says before that, and the connection from then on |
//! | `policy` | what the page's Content-Security-Policy forbids |
//! | `socket` | the page's WebSocket, as a stream of what comes in and a bounded way out |
//! | `wake_up`, `caretaker` | the page wakes up, or is left: its sessions are looked after |
//! | `ending` | a panic, and leaving the page: other peers are told |

#![cfg(all(target_family = "wasm", target_os = "unknown"))]

mod address;
mod builder;
mod caretaker;
mod carry;
mod clock;
mod control;
mod dial;
mod ending;
mod peer;
mod platform;
mod policy;
mod sleep;
mod socket;
mod wake_up;

pub use builder::Builder;
pub use distributed_scope_core::peer::{
    ConnectCause, ConnectError, Credential, Endpoint, LinkEnd, LinkHandle, LinkStatus, LinkWatch,
    ReauthenticateError, SessionInfo, SessionWatch, StartError,
};
pub use peer::Peer;
