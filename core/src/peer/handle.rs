//! What the handles of peers over sockets have in common, declared and documented once.

/// Declares methods of a handle with the fields `shared: Arc<Shared<_>>` and `root: Arc<Context>`.
/// Examples in their documentation import the handle from `krate`; `fence` says how they are
/// compiled.
#[doc(hidden)]
#[macro_export]
macro_rules! peer_handle {
    ($peer:ident, krate: $krate:literal, fence: $fence:literal) => {
        impl $peer {
            /// Runs a future on behalf of this peer: the calls that it makes are calls of this
            /// peer. If a process has only one peer, calls find it without this.
            ///
            /// Dropping the future drops the calls in it, which cancels their blocks.
            ///
            #[doc = concat!("```", $fence)]
            #[doc = concat!("# use ", $krate, "::Peer;")]
            /// # use distributed_scope_core::{Call, RemoteError};
            /// # async fn f(peer: Peer, call: Call<u32>) -> Result<(), RemoteError> {
            /// let value = peer.run(call).await?; // or any async function that makes calls
            /// # Ok(()) }
            /// ```
            pub fn run<F: ::std::future::Future>(
                &self,
                future: F,
            ) -> impl Future<Output = F::Output> + use<F> {
                $crate::here::Scoped::new(::std::sync::Arc::clone(&self.root), future)
            }

            /// Returns the peers that are connected now, ordered by id. Peers whose sessions are
            /// waiting for a new connection are not included; see [`sessions`](Self::sessions).
            #[must_use]
            pub fn peers(&self) -> Vec<$crate::PeerId> {
                self.shared.routes().peers()
            }

            /// Returns the current sessions, ordered by peer: connected sessions, and sessions
            /// that wait for a new connection after a loss.
            ///
            #[doc = concat!("```", $fence)]
            #[doc = concat!("# use ", $krate, "::Peer;")]
            /// # fn f(peer: Peer) {
            /// for session in peer.sessions() {
            ///     let state = if session.is_waiting { "waiting" } else { "connected" };
            ///     println!("{} {:?} {state}", session.peer, session.address);
            /// }
            /// # }
            /// ```
            #[must_use]
            pub fn sessions(&self) -> Vec<$crate::peer::SessionInfo> {
                self.shared.sessions()
            }

            /// Returns the [`sessions`](Self::sessions), with notification of the next change.
            #[must_use]
            pub fn watch_sessions(&self) -> $crate::peer::SessionWatch {
                self.shared.watch_sessions()
            }

            /// Returns a stream of who came and went. It begins with the peers that are
            /// [connected](Self::peers).
            ///
            #[doc = concat!("```", $fence)]
            #[doc = concat!("# use ", $krate, "::{Peer, PeerChange};")]
            /// use futures_util::StreamExt;
            ///
            /// # async fn f(peer: Peer) {
            /// let mut changes = peer.peers_changed();
            /// while let Some(change) = changes.next().await {
            ///     match change {
            ///         PeerChange::Came(peer) => println!("{peer} is here"),
            ///         PeerChange::Left(peer) => println!("{peer} has left"),
            ///     }
            /// }
            /// # }
            /// ```
            #[must_use]
            pub fn peers_changed(&self) -> $crate::peer::PeersChanged {
                self.shared.peers_changed()
            }

            /// Closes the session with a peer and returns at once; returns false if no such
            /// session exists. Open calls in both directions end with
            /// [`Disconnected`](distributed_scope_core::ErrorKind::Disconnected).
            ///
            /// The reason is the cause of their errors, and a field of the log line of the
            /// session's end, at both sides. It is sent to the other side: a text of at most 123
            /// bytes, truncated if it is longer, with control characters escaped. The close frame
            /// has the code 1008 and the same text.
            ///
            /// A peer that [stays connected](Self::keep_connected) then opens a new session. To
            /// reject it, a server uses `Builder::authenticate`.
            pub fn disconnect(&self, peer: $crate::PeerId, reason: &str) -> bool {
                self.shared.disconnect(peer, reason)
            }

            /// Changes the principal of the session with a peer that this peer has dialled: logs
            /// in, logs out, or renews a token before it expires.
            ///
            /// Calls that were made before keep the old principal. Calls that are made after this
            /// has returned have the new principal. The new credential is sent with every later
            /// connection.
            ///
            /// A second connection is opened for this, with all checks of a first one. When the
            /// credential is accepted, the session moves to that connection. Calls
            /// [`without_resume`](distributed_scope_core::Call::without_resume) that are in flight
            /// end then.
            ///
            #[doc = concat!("```", $fence)]
            #[doc = concat!("# use ", $krate, "::{Credential, Peer, ReauthenticateError};")]
            /// # use distributed_scope_core::PeerId;
            /// # async fn f(peer: Peer, server: PeerId, token: String)
            /// # -> Result<(), ReauthenticateError> {
            /// peer.reauthenticate(server, Credential::token(token)).await?; // log in
            /// peer.reauthenticate(server, Credential::none()).await?; // log out
            /// # Ok(()) }
            /// ```
            ///
            /// # Errors
            ///
            /// - There is no connected session that this peer has dialled.
            /// - The other side rejects the credential
            ///   ([`Refused`](distributed_scope_core::peer::ReauthenticateError::Refused)).
            /// - The other side is too old for this
            ///   ([`Unsupported`](distributed_scope_core::peer::ReauthenticateError::Unsupported)).
            /// - The connection is lost meanwhile.
            ///
            /// In each case, the session continues unchanged.
            ///
            /// # Cancel safety
            ///
            /// Dropping the future does not stop the reauthentication.
            pub async fn reauthenticate(
                &self,
                peer: $crate::PeerId,
                credential: $crate::peer::Credential,
            ) -> Result<(), $crate::peer::ReauthenticateError> {
                self.shared.reauthenticate(peer, credential).await
            }

            /// Waits until a peer is connected. Returns at once if it is connected or if this peer
            /// is stopped. Otherwise it waits without a time limit; drop the future to cancel.
            pub async fn connected(&self, peer: $crate::PeerId) {
                self.shared.connected(peer).await;
            }

            /// Waits until a peer is not connected; returns at once if it is not. Together with
            /// [`connected`](Self::connected), this reports when a connection is established and
            /// lost.
            pub async fn disconnected(&self, peer: $crate::PeerId) {
                self.shared.disconnected(peer).await;
            }

            /// Returns true if the peer rejects new sessions and calls, because it
            /// [drains](Self::drain) or was stopped. Useful for the readiness route of a server.
            #[must_use]
            pub fn is_draining(&self) -> bool {
                self.shared.draining().is_set()
            }

            /// Returns the memory that this peer holds for all other peers now, in bytes;
            /// [`Limits::max_held_bytes`](distributed_scope_core::Limits::max_held_bytes)
            /// documents what is counted.
            #[must_use]
            pub fn held(&self) -> usize {
                self.shared.account().held()
            }

            /// Returns the blocks of this program as a table. Each row has the source location,
            /// the captures, the result, the version, and whether this peer exposes the block.
            ///
            #[doc = concat!("```", $fence)]
            #[doc = concat!("# use ", $krate, "::Peer;")]
            /// # fn f(peer: Peer) {
            /// println!("{}", peer.blocks());
            /// # }
            /// ```
            #[must_use]
            pub fn blocks(&self) -> $crate::Listing {
                self.shared.list()
            }

            /// Returns the blocks that a peer has in another version than this one, or does not
            /// have. A peer reports them right after it has connected, before it answers the first
            /// call. Calls of these blocks are refused in both directions.
            #[must_use]
            pub fn skew(&self, peer: $crate::PeerId) -> Vec<$crate::Skew> {
                self.shared.skew(peer)
            }
        }
    };
}
