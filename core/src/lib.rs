//! The portable part of `distributed-scope`: what both the Actix peer and the browser peer are made of.
//!
//! **It knows no socket, no clock and no runtime**, and builds for wasm32. Users depend on `distributed-scope`, which
//! re-exports what they need; this crate is for those who write a peer of another kind.
//!
//! | module | idea |
//! |---|---|
//! | [`id`](PeerId), [`block`](Block) | names: of peers, of blocks and their versions |
//! | [`identity`](Identity), `key_pair`, `random` | who a peer is; ids that prove themselves (feature `keys`); randomness |
//! | `registry`, `duplicate`, `exposure`, `listing` | the blocks of this binary, and which of them a peer runs for others |
//! | `shape`, `version`, `skew` | what makes two versions of a block differ, and what is said of it |
//! | `travels`, `slot` | which types may travel, and how the types of a block are found |
//! | `blocking` | blocks that run on the blocking pool |
//! | [`auth`] | who is there, and what a block asks of its caller |
//! | `call`, [`pending`], `repeats` | a call, from `remote!` to its result, and when it is made again |
//! | `account` | how much memory is held for others |
//! | `flag` | what happens once and can be waited for |
//! | `rate`, [`seldom`] | how much may happen in a second; how much of it is logged |
//! | `disclosure` | what of an error a caller is told |
//! | [`guard`] | code of the program where a panic must not get any further |
//! | [`error`](RemoteError), `shown` | how a call fails; texts of others as they are kept and shown |
//! | [`frame`], `codec` | what stands on the wire |
//! | [`handshake`] | how a connection begins |
//! | [`session`] | the state machine of one session: frames and moments in, effects and frames out |
//! | [`here`] | what a block can reach where it runs |
//! | [`host`] | a peer, as calls and blocks see it |
//! | [`peer`] | a peer without its sockets and its event loop: what peers of all kinds have in common |

mod account;
pub mod auth;
mod block;
mod blocking;
mod call;
mod codec;
pub mod copy;
mod disclosure;
mod duplicate;
mod encoded;
mod error;
mod exposure;
mod flag;
pub mod frame;
pub mod guard;
pub mod handshake;
mod hash;
pub mod here;
pub mod host;
mod id;
mod identity;
#[cfg_attr(not(feature = "keys"), path = "no_keys.rs")]
mod key_pair;
mod keyed_hash;
mod limits;
mod listing;
pub mod peer;
pub mod pending;
mod raised;
mod random;
mod rate;
pub mod registry;
mod repeats;
mod request;
pub mod seldom;
pub mod session;
mod shape;
mod shown;
mod skew;
mod slot;
mod sorted;
mod time;
#[doc(hidden)]
pub mod travels;
mod type_names;
mod version;

pub use account::{Account, Full, Held, Share};
pub use auth::{Attempt, Authorize, Denied, Principal, Proof, Requirement};
pub use block::{Block, BlockId, Fingerprint};
pub use call::{Call, Spawned};
pub use codec::{Codec, DecodeError, EncodeError, OverBudget};
pub use disclosure::Disclosure;
pub use duplicate::DuplicateBlock;
pub use encoded::Encoded;
pub use error::{BlockName, ErrorKind, Mismatch, Older, Ran, Refusal, RemoteError};
pub use exposure::Blocks;
pub use flag::Flag;
pub use frame::Reject;
pub use host::{CallReport, Observer};
pub use id::PeerId;
pub use identity::Identity;
#[cfg(feature = "keys")]
pub use key_pair::KeyPair;
pub use limits::Limits;
pub use listing::{Access, Listed, Listing};
pub use raised::Raised;
pub use rate::TokenBucket;
pub use registry::Registry;
pub use request::Request;
pub use skew::{Difference, Skew, TheirBlocks};
pub use time::{Deadline, Moment};
pub use travels::Travels;

/// What generated code calls. Not part of the public interface.
#[doc(hidden)]
pub mod __private {
    pub use std::marker::PhantomData;

    pub use inventory;
    pub use serde;

    pub use crate::auth::Requirement;
    pub use crate::block::Block;
    pub use crate::raised::Raised;
    pub use crate::registry::{Registrar, Registration};
    pub use crate::slot::{Captures, Slot, check, lend, never, output, to};
    pub use crate::travels::{
        Arrive, ArriveOnPool, CrossesThreads, Departs, Journey, Known, Return, Returns, Travels, captured,
    };
    pub use crate::version::{Rule, Source, Twins};
}
