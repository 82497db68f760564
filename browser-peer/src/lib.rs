//! The browser peer of `distributed-scope`: the same sessions as on a server, over the page's
//! WebSocket.
//!
//! Users depend on `distributed-scope`, which re-exports this crate on `wasm32-unknown-unknown`
//! and the Actix peer on all other targets, under the same names. A page has one thread, so
//! blocks, sessions and the code of the page share it. A browser peer only dials: nothing can
//! connect to a page.
//!
//! | module | idea |
//! |---|---|
//! | `peer`, `builder` | the handle that a program keeps |
//! | `platform`, `clock`, `sleep` | the environment of a page: its clock, its timers, its tasks |
//! | `control` | the control plane: accepting sessions, waiting callers |
//! | `dial`, `address`, `carry` | connecting, the URL checks before that, and the connection after that |
//! | `blob` | a `Blob` as a stream of items |
//! | `policy` | detects connections that the page's Content-Security-Policy forbids |
//! | `socket` | the page's WebSocket, as an input stream and a bounded output |
//! | `wake_up`, `caretaker` | the page wakes up, or is left: its sessions are checked or closed |
//! | `ending` | a panic, and leaving the page: other peers are notified |

#![cfg(all(target_family = "wasm", target_os = "unknown"))]

mod address;
mod blob;
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

pub use blob::{BlobError, BlobStream, from_blob};
pub use builder::Builder;
pub use distributed_scope_core::peer::{
    ConnectCause, ConnectError, Credential, Endpoint, LinkEnd, LinkHandle, LinkStatus, LinkWatch, PeerChange,
    PeersChanged, ReauthenticateError, SessionInfo, SessionWatch, StartError,
};
pub use peer::Peer;
