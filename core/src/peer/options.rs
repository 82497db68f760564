//! The options that the builders of all kinds of peers have, declared and documented once.

/// Declares the options of a builder with the field `parts: Parts`. Examples in their
/// documentation begin with the lines `before`, create a builder with `builder`, and end with the
/// lines `after`; `fence` says how they are compiled.
#[doc(hidden)]
#[macro_export]
macro_rules! peer_options {
    ($builder:ident, fence: $fence:literal, before: $before:literal, builder: $example:literal, after: $after:literal) => {
        impl $builder {
            /// The blocks that the peer runs for other peers. Several calls add up.
            ///
            /// Default: none. A block that is compiled into a program is not exposed by that
            /// alone.
            ///
            #[doc = concat!("```", $fence)]
            #[doc = $before]
            /// # use distributed_scope_core::Blocks;
            #[doc = concat!("let peer = ", $example)]
            ///     .expose(Blocks::of("shop::orders"))
            ///     .expose(Blocks::named("search"))
            ///     .start();
            #[doc = $after]
            /// ```
            pub fn expose(mut self, blocks: $crate::Blocks) -> Self {
                self.parts.blocks = self.parts.blocks.and(blocks);
                self
            }

            /// A value that the blocks of the peer get with
            /// [`here::data`](distributed_scope_core::here::data). The peer keeps one value of
            /// each type. A second value of the same type replaces the first.
            ///
            /// The value must be `Send`, in a page, too. Values of the page (`web_sys::Element`
            /// and the like) are not `Send`: keep them in a `thread_local!`. The blocks of a page
            /// can access it, because they run on the only thread of the page.
            pub fn data<T: Send + Sync + 'static>(self, value: T) -> Self {
                self.shared_data(::std::sync::Arc::new(value))
            }

            /// Like [`data`](Self::data), for a value that the program shares. `into_inner` of
            /// the `web::Data` of actix-web returns such an `Arc`.
            pub fn shared_data<T: Send + Sync + 'static>(mut self, value: ::std::sync::Arc<T>) -> Self {
                self.parts.data.insert(value);
                self
            }

            /// The limits of the peer, instead of the [defaults](distributed_scope_core::Limits).
            /// Each field documents its unit and what happens at the limit.
            ///
            #[doc = concat!("```", $fence)]
            #[doc = $before]
            /// # use distributed_scope_core::Limits;
            /// # use std::time::Duration;
            /// let limits = Limits::default()
            ///     .with_default_deadline(Duration::from_secs(2))
            ///     .with_max_sessions_per_address(16);
            #[doc = concat!("let peer = ", $example, ".limits(limits).start();")]
            #[doc = $after]
            /// ```
            pub fn limits(mut self, limits: $crate::Limits) -> Self {
                self.parts.limits = limits;
                self
            }

            /// An observer of outgoing calls: it receives a
            /// [`CallReport`](distributed_scope_core::CallReport) of every call that this peer
            /// made, after the call ended. A closure is accepted:
            ///
            #[doc = concat!("```", $fence)]
            #[doc = $before]
            /// # use distributed_scope_core::CallReport;
            #[doc = concat!("let peer = ", $example)]
            ///     .observe(|call: &CallReport| println!("{} took {:?}", call.block, call.elapsed))
            ///     .start();
            #[doc = $after]
            /// ```
            pub fn observe(mut self, observer: impl $crate::Observer + 'static) -> Self {
                self.parts.observer = Some(::std::sync::Arc::new(observer));
                self
            }

            /// An observer of the blocks that this peer runs, for other peers and for itself: it
            /// receives a [`ServedReport`](distributed_scope_core::ServedReport) of each block,
            /// after the block ended or was dropped. A closure is accepted:
            ///
            #[doc = concat!("```", $fence)]
            #[doc = $before]
            /// # use distributed_scope_core::ServedReport;
            #[doc = concat!("let peer = ", $example)]
            ///     .observe_served(|run: &ServedReport| println!("{} {}", run.block, run.outcome))
            ///     .start();
            #[doc = $after]
            /// ```
            pub fn observe_served(mut self, observer: impl $crate::ServedObserver + 'static) -> Self {
                self.parts.served_observer = Some(::std::sync::Arc::new(observer));
                self
            }

            /// The authorization of incoming calls: it runs for each call of another peer, before
            /// any part of the call is decoded. At that point, the block is known to be exposed
            /// and its own requirement is met. An async closure is accepted.
            ///
            /// Default: a peer with a session may run every exposed block whose requirement it
            /// meets.
            ///
            #[doc = concat!("```", $fence)]
            #[doc = $before]
            /// # use distributed_scope_core::{Attempt, Denied};
            #[doc = concat!("let peer = ", $example)]
            ///     .authorize(|attempt: Attempt| async move {
            ///         let user = attempt.principal;
            ///         let is_staff = user.is_some_and(|user| user.has("group", "staff"));
            ///         let is_public = attempt.block.module.starts_with("shop::public");
            ///         if is_staff || is_public {
            ///             Ok(())
            ///         } else {
            ///             Err(Denied::forbidden("staff only"))
            ///         }
            ///     })
            ///     .start();
            #[doc = $after]
            /// ```
            pub fn authorize(mut self, authorize: impl $crate::Authorize) -> Self {
                self.parts.authorize = Some(::std::sync::Arc::new(authorize));
                self
            }

            /// What the calling peer receives of an error or a panic in a block.
            ///
            /// Default: the error with its causes; of a panic, only that the block panicked. In a
            /// page, a panic ends the program, so nothing of it is sent.
            pub fn disclose(mut self, disclosure: $crate::Disclosure) -> Self {
                self.parts.disclosure = disclosure;
                self
            }

            /// Authenticates these peers by the keys that their ids are derived from: they have a
            /// [principal](distributed_scope_core::Principal) whose subject is their id. Several
            /// calls add up.
            ///
            /// Peers with other keys may connect but have no principal. An id that is not
            /// [derived from a key](distributed_scope_core::PeerId::is_of_key) proves nothing: a
            /// peer with such an id gets no principal from this option.
            pub fn trust(mut self, peers: impl IntoIterator<Item = $crate::PeerId>) -> Self {
                self.parts.trusted.extend(peers);
                self
            }
        }
    };
}
