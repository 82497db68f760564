//! Sends the values of a type to another peer and back, in each position that a value can have.

use std::fmt::Debug;
use std::future::Future;

use distributed_scope::{Codec, Peer, PeerId, RemoteError};
use serde::{Deserialize, Serialize};

/// The value inside a struct, a `Vec` and an `Option`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Nested<T> {
    before: u8,
    inner: T,
    many: Vec<T>,
    maybe: Option<T>,
    after: String,
}

/// A type, some of its values, and what is expected of them.
pub(crate) struct Case<T: 'static> {
    /// The name of the function and of the test.
    pub(crate) name: &'static str,
    /// What carries a value among others.
    pub(crate) codec: Codec,
    /// What carries a result that is the value alone.
    pub(crate) alone: Codec,
    pub(crate) sent: fn() -> Vec<T>,
    /// What arrives.
    pub(crate) arrives: fn() -> Vec<T>,
}

impl<T: Debug> Case<T> {
    /// Sends each value. `call` has the value's expected `Debug` text, the value, and the value
    /// nested. Values are compared by their `Debug` text, which also tells -0.0 from 0.0.
    pub(crate) async fn check<F>(self, call: impl Fn(PeerId, String, T, Nested<T>) -> F)
    where
        F: Future<Output = Result<(T, Nested<T>), RemoteError>>,
    {
        let (server, client) = crate::support::two_peers().await;
        self.check_codecs(&client);
        let (sent, arrives) = (self.sent, self.arrives);
        assert_eq!(sent().len(), arrives().len());
        for i in 0..sent().len() {
            let nested = |values: fn() -> Vec<T>| Nested {
                before: 7,
                inner: values().swap_remove(i),
                many: values(),
                maybe: Some(values().swap_remove(i)),
                after: "after".to_owned(),
            };
            let value = sent().swap_remove(i);
            let told = format!("{value:?}");
            let expected = arrives().swap_remove(i);
            let seen = format!("{expected:?}");
            let back = client.run(call(server.id(), seen, value, nested(sent))).await;
            let back = back.unwrap_or_else(|e| panic!("{told}: {e:#}"));
            assert_eq!(format!("{back:?}"), format!("{:?}", (expected, nested(arrives))));
        }
    }

    fn check_codecs(&self, peer: &Peer) {
        let of = format!("::functions::{}#", self.name);
        let listing = peer.blocks();
        let mut blocks = listing.iter().map(|listed| listed.block).filter(|b| b.path.contains(&of));
        let (among_others, nested) = (blocks.next().unwrap(), blocks.next().unwrap());
        assert_eq!(
            [among_others.captures_codec(), among_others.result_codec(), nested.captures_codec()],
            [Some(self.codec), Some(self.alone), Some(self.codec)],
            "what carries {}: among two other captures, alone, and nested",
            self.name
        );
    }
}

/// One function and one test for each type: `name: Type = Codec [values];`. `alone` follows where
/// the value alone travels by another codec than the value among others; `arrives` follows where
/// another value is expected than was sent. The value is the middle one of three captures, and
/// alone as a result; then it is in a struct, in a `Vec` and in an `Option`, both ways.
macro_rules! cases { ($(
    $name:ident: $t:ty = $codec:ident $(alone $alone:ident)? [$($value:expr),* $(,)?] $(arrives [$($arrives:expr),* $(,)?])?;
)*) => {
    mod functions {
        use super::*;
        $(
            #[distributed_scope::distributed]
            pub(super) async fn $name(
                to: distributed_scope::PeerId,
                seen: String,
                value: $t,
                nested: crate::cases::Nested<$t>,
            ) -> Result<($t, crate::cases::Nested<$t>), distributed_scope::RemoteError> {
                let after = 0xaf_u8;
                let value = distributed_scope::remote!(to, [seen, value, after], {
                    assert_eq!((format!("{value:?}"), after), (seen, 0xaf));
                    value
                })
                .await?;
                let nested = distributed_scope::remote!(to, [nested], { nested }).await?;
                Ok((value, nested))
            }
        )*
    }
    $(
        #[actix_web::test]
        async fn $name() {
            let sent: fn() -> Vec<$t> = || vec![$($value),*];
            let codec = distributed_scope::Codec::$codec;
            #[allow(unused_mut, unused_assignments, reason = "most cases have no other codec and no other value")]
            {
                let (mut alone, mut arrives) = (codec, sent);
                $(alone = distributed_scope::Codec::$alone;)?
                $(arrives = || vec![$($arrives),*];)?
                crate::cases::Case { name: stringify!($name), codec, alone, sent, arrives }
                    .check(functions::$name)
                    .await;
            }
        }
    )*
} }
