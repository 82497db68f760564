//! The portable part of `distributed-scope`: what both the Actix peer and the browser peer are
//! made of.
//!
//! **It knows no socket, no clock and no runtime**, and builds for wasm32. Users depend on
//! `distributed-scope`, which re-exports what they need; this crate is for those who write a peer
//! of another kind.
//!
//! | module | idea |
//! |---|---|
//! | `identity` | what a peer is called, and ids that prove themselves (feature `keys`) |
//! | `block` | a block: its name, its shape, its version, and which blocks are exposed |
//! | `registry` | the blocks of this binary |
//! | `call`, [`here`], [`host`], [`pending`] | a call from `remote!` to its result; what a block can reach where it runs |
//! | `channel` | channels whose ends travel as values, and streams as results |
//! | `error` | how a call fails, and what of it a caller learns |
//! | [`auth`] | who a caller is, and what a block requires of it |
//! | [`wire`] | what PROTOCOL.md describes: frames, codecs, the handshake |
//! | [`session`] | the state machine of one session: frames and moments in, effects and frames out |
//! | [`peer`] | a peer without its sockets and its event loop: what peers of all kinds have in common |
//! | `limits` | the bounds of a peer, and the memory it holds for others |
//! | `expansion` | what generated code calls |
//! | `topic` | a state and its changes, for many subscribers |
//! | `util` | time, randomness, hashes, rates, flags |

#![cfg_attr(docsrs, feature(doc_cfg))]

#[macro_use]
mod util;

pub mod auth;
mod block;
mod call;
mod channel;
mod error;
mod expansion;
mod identity;
mod limits;
pub mod peer;
pub mod registry;
pub mod session;
mod topic;
pub mod wire;

pub use call::{here, host, pending};
#[doc(hidden)]
pub use expansion::travels;
pub use wire::{frame, handshake};

/// Helpers of the peers of this workspace. Not part of the public interface.
#[doc(hidden)]
pub mod internal {
    pub use crate::util::bulk_copy::append;
    pub use crate::util::guard;
    pub use crate::util::log_limit::Seldom;
    pub use crate::util::token_bucket::TokenBucket;
}

pub use auth::{Attempt, Authorize, Denied, Principal, Proof, Requirement};
pub use block::raised::Raised;
pub use block::selection::Blocks;
pub use block::{Block, BlockId, Fingerprint};
pub use bytes::Bytes;
pub use call::host::{CallReport, Observer};
pub use call::request::Request;
pub use call::served::{ServedObserver, ServedOutcome, ServedReport};
pub use call::{Call, Spawned};
#[doc(hidden)]
pub use channel::handle::Handles;
pub use channel::{
    Receiver, SendError, Sender, Sending, StreamError, StreamErrorKind, TrySendError, channel, streamed,
    try_streamed, watch,
};
pub use error::disclosure::Disclosure;
pub use error::{ErrorKind, Mismatch, Older, Ran, Refusal, RemoteError};
pub use expansion::travels::Travels;
pub use identity::Identity;
#[cfg(feature = "keys")]
pub use identity::key_pair::KeyPair;
pub use identity::peer_id::PeerId;
pub use limits::Limits;
pub use limits::account::{Account, Full, Held, Share};
pub use peer::control::skew::{Difference, Skew, TheirBlocks};
pub use registry::Registry;
pub use registry::duplicate::DuplicateBlock;
pub use registry::listing::{Access, Listed, Listing};
pub use topic::{Follow, Topic, Update, follow};
pub use util::flag::Flag;
pub use util::time::{Deadline, Moment};
pub use wire::codec::{Codec, DecodeError, EncodeError, OverBudget, Written};
pub use wire::encoded::Encoded;
pub use wire::frame::Reject;

/// What generated code calls. Not part of the public interface.
#[doc(hidden)]
pub mod __private {
    pub use std::marker::PhantomData;

    pub use inventory;
    pub use serde;

    pub use crate::auth::Requirement;
    pub use crate::block::Block;
    pub use crate::block::raised::Raised;
    pub use crate::block::version::{Rule, Source, Twins};
    pub use crate::expansion::slot::{Captures, Slot, check, lend, never, output, to};
    pub use crate::expansion::travels::{
        Arrive, ArriveOnPool, CrossesThreads, Departs, Journey, Known, Return, Returns, Travels, captured,
    };
    pub use crate::registry::{Registrar, Registration};
}
