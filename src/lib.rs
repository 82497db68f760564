#![doc = include_str!("docs/crate.md")]
// On docs.rs each item names the feature that it needs.
#![cfg_attr(docsrs, feature(doc_cfg), doc(auto_cfg(hide(target_family = "wasm"))))]

#[cfg(not(target_family = "wasm"))]
pub use distributed_scope_actor_peer::key_file;
#[cfg(all(feature = "rustls", not(target_family = "wasm")))]
pub use distributed_scope_actor_peer::tls;
#[cfg(not(target_family = "wasm"))]
pub use distributed_scope_actor_peer::{
    Authenticate, Builder, ByteReader, ByteStream, ConnectCause, ConnectError, Credential, Endpoint, Invoke,
    LinkEnd, LinkHandle, LinkStatus, LinkWatch, NoHost, NoNetwork, NoOrigin, Peer, PeerActor, PeerChange,
    PeersChanged, ReauthenticateError, SessionInfo, SessionWatch, StartError, Upgrade, from_async_read,
    into_async_read, on_connect,
};
#[cfg(all(feature = "jwt-minimal", not(target_family = "wasm")))]
#[doc(inline)]
pub use distributed_scope_auth_jwt as jwt;
#[cfg(all(target_family = "wasm", target_os = "unknown"))]
pub use distributed_scope_browser_peer::{
    BlobError, BlobStream, Builder, ConnectCause, ConnectError, Credential, Endpoint, LinkEnd, LinkHandle,
    LinkStatus, LinkWatch, Peer, PeerChange, PeersChanged, ReauthenticateError, SessionInfo, SessionWatch,
    StartError, from_blob,
};
#[cfg(any(feature = "keys", not(target_family = "wasm")))]
pub use distributed_scope_core::KeyPair;
pub use distributed_scope_core::{
    Access, Attempt, Authorize, Block, BlockId, Blocks, Bytes, Call, CallReport, Codec, Denied, Disclosure,
    DuplicateBlock, ErrorKind, Fingerprint, Follow, Full, Identity, Limits, Listed, Listing, Mismatch,
    Observer, Older, PeerId, Principal, Proof, Raised, Ran, Receiver, Refusal, Reject, RemoteError,
    Requirement, SendError, Sender, Sending, ServedObserver, ServedOutcome, ServedReport, Share, Skew,
    Spawned, StreamError, StreamErrorKind, Topic, Travels, TrySendError, Update, channel, follow, streamed,
    try_streamed, watch,
};
#[cfg(all(feature = "testing", not(target_family = "wasm")))]
pub use distributed_scope_macros::test;
pub use distributed_scope_macros::{distributed, remote};
#[cfg(all(feature = "testing", not(target_family = "wasm")))]
#[doc(inline)]
pub use distributed_scope_testing as testing;

/// What a block can reach on the peer that runs it.
///
/// The context follows a block through its awaits and into the calls that it makes. It does not
/// follow into tasks that the block spawns by other means; inside those, [`peer`](here::peer) and
/// its siblings panic, and a call finds its peer only if the process has exactly one, or by a
/// [`handle`](here::handle) that the block has moved there.
pub mod here {
    pub use distributed_scope_core::here::{
        Handle, MissingData, NoPrincipal, caller, caller_is_away, data, deadline, draining, handle,
        is_draining, peer, principal, require_principal, until_caller_is_away, until_caller_is_back,
    };
}

/// The module of the traits that rustc names when a type cannot be sent.
#[doc(hidden)]
pub use distributed_scope_core::travels;

/// Called by generated code. Not part of the public interface.
#[doc(hidden)]
pub use distributed_scope_core::__private;

/// The README's programs are compiled as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

/// The programs of the guides, too.
#[cfg(doctest)]
mod guides {
    #[doc = include_str!("../docs/behind-a-proxy.md")]
    struct BehindAProxy;

    #[doc = include_str!("../docs/browsers.md")]
    struct Browsers;

    #[doc = include_str!("../docs/calls.md")]
    struct Calls;

    #[doc = include_str!("../docs/getting-started.md")]
    struct GettingStarted;

    #[doc = include_str!("../docs/security.md")]
    struct Security;

    #[doc = include_str!("../docs/streams.md")]
    struct Streams;

    #[cfg(feature = "testing")]
    #[doc = include_str!("../docs/testing.md")]
    struct Testing;

    #[doc = include_str!("../docs/topics.md")]
    struct Topics;

    #[doc = include_str!("../docs/versions.md")]
    struct Versions;
}
