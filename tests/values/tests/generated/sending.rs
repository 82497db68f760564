//! One call with values of a generated type.

use std::fmt::Debug;
use std::pin::Pin;

use distributed_scope::{Peer, PeerId, RemoteError};

use crate::values::{Random, Values};

/// A generated type.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    /// As it is written.
    pub(crate) definition: &'static str,
    /// The generated types in it.
    pub(crate) uses: &'static [usize],
    /// Makes one call.
    pub(crate) send: for<'a> fn(&'a Peer, PeerId, Send) -> Sending<'a>,
}

pub(crate) type Sending<'a> = Pin<Box<dyn Future<Output = Result<Vec<Arrived>, RemoteError>> + 'a>>;

/// A value, after it was sent.
pub(crate) struct Arrived {
    pub(crate) seed: u64,
    pub(crate) expected: String,
    pub(crate) got: String,
}

/// Which values are sent with a call.
#[derive(Clone, Copy)]
pub(crate) struct Send {
    /// That of the value that stands alone; those beside it have the ones behind.
    pub(crate) seed: u64,
    /// How many further values are sent with it.
    pub(crate) more: u64,
    pub(crate) place: Place,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// They are captured, and return.
    Captures,
    /// The block makes it, and the one with this seed is captured.
    Result { captured: u64 },
}

impl Send {
    pub(crate) fn value<T: Random>(self) -> T {
        match self.place {
            Place::Captures => self.make_value(self.seed),
            Place::Result { captured } => self.make_value(captured),
        }
    }

    pub(crate) fn many<T: Random>(self) -> Vec<T> {
        (1..=self.more).map(|number| self.make_value(self.seed + number)).collect()
    }

    pub(crate) fn make(self) -> Option<u64> {
        (self.place != Place::Captures).then_some(self.seed)
    }

    fn make_value<T: Random>(self, seed: u64) -> T {
        // Nothing but a value can show that its variant is skipped. Among others it would have
        // them all
        // refused.
        let may_be_skipped = self.place == Place::Captures && self.more == 0;
        T::random(&mut Values::new(seed, may_be_skipped))
    }
}

/// Runs inside the block.
pub(crate) fn made_here<T: Random>(make: Option<u64>, value: T) -> T {
    match make {
        Some(seed) => T::random(&mut Values::new(seed, false)),
        None => value,
    }
}

/// Puts the received values next to the expected ones. The texts of `Debug` are compared, which
/// distinguish -0.0 from 0.0.
pub(crate) fn received<T: Random + Debug>(
    send: Send,
    back: Result<(Vec<T>, T, Option<u64>), RemoteError>,
) -> Result<Vec<Arrived>, RemoteError> {
    let (many, value, make) = back?;
    assert_eq!(make, send.make(), "the capture behind the value");
    assert_eq!(many.len() as u64, send.more, "the values before it");
    let arrived = [value].into_iter().chain(many).zip(send.seed..).map(|(value, seed)| {
        let expected = match send.place {
            // It travels twice, and what a skipped field becomes may have skipped fields.
            Place::Captures => send.make_value::<T>(seed).expected().expected(),
            Place::Result { .. } => send.make_value::<T>(seed).expected(),
        };
        Arrived { seed, expected: format!("{expected:?}"), got: format!("{value:?}") }
    });
    Ok(arrived.collect())
}
