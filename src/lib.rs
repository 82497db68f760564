//! One function that runs on several peers, its variables travelling with it.

#[cfg(not(target_family = "wasm"))]
pub use distributed_scope_actor_peer::*;
pub use distributed_scope_core::{
    Block, BlockId, BlockName, Blocks, Call, CallReport, Codec, Deadline, DecodeError, DuplicateBlock,
    EncodeError, ErrorKind, Fingerprint, Limits, Observer, PeerId, Raised, Ran, Refusal, Reject, RemoteError,
    Spawned, Travels, here,
};
pub use distributed_scope_macros::{distributed, remote};

#[doc(hidden)]
pub use distributed_scope_core::__private;
