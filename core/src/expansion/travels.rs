//! What may travel, and how a type that may not is reported.
//!
//! A program that does not compile is to get one message for one mistake, at the name of the
//! capture or at the block, with the fix in it. rustc checks each type at two places: where a call
//! is made, and where its block is registered. So each of the two demands half: what is missing
//! there is reported there, and the other half is only demanded of what has the first.
//!
//! | | at the call | at the registration |
//! |---|---|---|
//! | a capture | [`Departs`]: it can be written | it can be read, and owns its data |
//! | a result | [`Returns`]: it can be read | it can be written, and owns its data |
//!
//! These traits are demanded by calling a function *of the trait*, because rustc then has no more
//! to say than what is missing: a bound of a free function would be shown with its source. Where
//! one of them has one impl for a type, rustc tells what that impl misses, and so names the part
//! of a type that is at fault. For pointers there are two, of which the second never holds: then
//! rustc tells the message that stands at the trait.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::rc::Rc;
use std::sync::Arc;

use serde::de::{DeserializeOwned, Error as _};
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::block::Block;
use crate::block::raised::Raised;
use crate::call::Call;
use crate::expansion::slot::{Captures, never};
use crate::identity::peer_id::PeerId;

/// A value that can be captured by a block or returned from one: it can be written, read back
/// without borrowing, and kept.
///
/// Every type with `serde::Serialize` and `serde::Deserialize` that owns its data has it; nothing
/// is to be implemented.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot travel to another peer",
    label = "this is a `{Self}`",
    note = "what a block captures or returns must implement `serde::Serialize` and `serde::Deserialize` and own its data",
    note = "capture or return an owned value instead, for example `[text = text.to_owned()]` or `text.to_owned()` for a `&str`"
)]
pub trait Travels<Way = ByValue>: Sized {
    /// Its form on the wire.
    #[doc(hidden)]
    fn wire<W>(_journey: Journey<Self, Way, W>) -> W {
        never()
    }
}

impl<T: Serialize + DeserializeOwned + 'static> Travels for T {}

impl<T> Travels<NotAtAll> for T {}

/// The way of a type that owns its data.
#[derive(Debug)]
pub struct ByValue;

/// The way of a type that does not.
#[derive(Debug)]
pub struct ByReference;

/// The way of a type about which there is a message already.
#[derive(Debug)]
pub struct NotAtAll;

/// A capture where its call is made. It asks nothing of lifetimes: those are checked only once,
/// where the block is registered.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot travel to another peer",
    label = "this is a `{Self}`",
    note = "what a block captures or returns must implement `serde::Serialize` and `serde::Deserialize` and own its data",
    note = "capture an owned value instead, for example `[text = text.to_owned()]` for a `&str`, or `[value = (*value).clone()]` for an `Rc` or a reference"
)]
pub trait Departs<Way = ByValue> {
    /// What is written.
    type Lent: Serialize;
    /// The same value.
    fn lend(value: &Self) -> &Self::Lent;
}

impl<T: Serialize> Departs for T {
    type Lent = Self;

    fn lend(value: &Self) -> &Self {
        value
    }
}

macro_rules! other_captures {
    ($($type:ty),*) => {
        $(
            #[diagnostic::do_not_recommend]
            impl<T: ?Sized> Departs<ByReference> for $type where Self: Impossible {
                type Lent = ();

                fn lend(_: &Self) -> &() {
                    &()
                }
            }
        )*
    };
}

other_captures!(Rc<T>, Arc<T>);

/// A result where its call is made.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot travel to another peer",
    label = "this block returns a `{Self}`",
    note = "what a block captures or returns must implement `serde::Serialize` and `serde::Deserialize` and own its data",
    note = "return an owned value instead, for example `text.to_owned()` for a `&str`, or `(*value).clone()` for an `Rc` or a reference"
)]
pub trait Returns<Way = ByValue>: Sized {
    /// The value of `remote!`. The closure struct and the body bear witness to the types; `values`
    /// is what travels.
    fn call<B, F, Body>(
        to: PeerId,
        block: &'static Block,
        _captures: B,
        values: impl Serialize,
        _body: F,
    ) -> Call<Self>
    where
        B: Captures,
        F: FnOnce(B::Owned) -> Body,
        Body: Future<Output = Result<Self, Raised>>,
    {
        Self::call_declared(to, block, values, PhantomData)
    }

    /// The value of a `remote!` with a written result, whose body need not be compiled here.
    fn call_declared(
        to: PeerId,
        block: &'static Block,
        values: impl Serialize,
        _result: PhantomData<Self>,
    ) -> Call<Self>;
}

impl<T: Deserialize<'static>> Returns for T {
    fn call_declared(
        to: PeerId,
        block: &'static Block,
        values: impl Serialize,
        _: PhantomData<Self>,
    ) -> Call<Self> {
        Call::new(to, block, &values)
    }
}

/// No type implements it.
pub trait Impossible {}

macro_rules! other_results {
    ($($(#[$attribute:meta])* [$($generics:tt)*] $type:ty, $way:ty $(, $condition:ident)?;)*) => {
        $(
            $(#[$attribute])*
            impl<$($generics)*> Returns<$way> for $type $(where Self: $condition)? {
                fn call_declared(
                    _: PeerId,
                    _: &'static Block,
                    _: impl Serialize,
                    _: PhantomData<Self>,
                ) -> Call<Self> {
                    never()
                }
            }
        )*
    };
}

other_results! {
    #[diagnostic::do_not_recommend] [T: ?Sized] &T, ByReference, Impossible;
    #[diagnostic::do_not_recommend] [T: ?Sized] Rc<T>, ByReference, Impossible;
    #[diagnostic::do_not_recommend] [T: ?Sized] Arc<T>, ByReference, Impossible;
    #[diagnostic::do_not_recommend] [] <fn() -> ! as Output>::Of, NotAtAll;
}

/// Names the type `!`.
pub trait Output {
    /// What a function returns.
    type Of;
}

impl<R> Output for fn() -> R {
    type Of = R;
}

/// Has a method for every type. Where the type is not known rustc says so, and where to write it.
pub trait Known: Sized {
    /// The same value.
    fn __known(self) -> Self {
        self
    }
}

impl<T> Known for T {}

/// A type where its block is registered: of a capture or of a result, in the way `M`, and as `W`
/// on the wire. Only type-checked, never run.
///
/// Its method is chosen by what `T` can do, in the order in which rustc looks for a method: a
/// reference is caught by the method of this type; what can travel takes the first trait; what has
/// only the half that was demanded at the call takes the second, which [`Travels`] reports; what
/// has not even that takes the third, which was reported at the call. What cannot travel stands on
/// the wire as [`Told`], which causes no further error.
#[derive(Debug)]
pub struct Journey<T, M = (), W = T>(PhantomData<T>, PhantomData<M>, PhantomData<W>);

impl<T, M, W> Copy for Journey<T, M, W> {}

impl<T, M, W> Clone for Journey<T, M, W> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Journey<T> {
    /// That of this value.
    #[must_use]
    pub fn of(_value: T) -> Self {
        Self(PhantomData, PhantomData, PhantomData)
    }
}

impl<'a, T: ?Sized> Journey<&'a T>
where
    &'a T: Serialize,
{
    /// By reference, so not at all.
    #[must_use]
    pub fn arrives(&self) -> Journey<&'a T, ByReference, Told<&'a T>> {
        never()
    }

    /// The same.
    #[must_use]
    pub fn arrives_on_pool(&self) -> Journey<&'a T, ByReference, Told<&'a T>> {
        never()
    }
}

impl<'a, T: ?Sized> Journey<&'a T>
where
    &'a T: Deserialize<'static>,
{
    /// By reference, so not at all.
    #[must_use]
    pub fn returns(&self) -> Journey<&'a T, ByReference, Told<&'a T>> {
        never()
    }
}

/// How a capture that is no reference travels.
pub trait Arrive<T>: Sized {
    /// The way.
    type Way;
    /// The form on the wire.
    type Wire;
    /// Takes the way.
    fn arrives(self) -> Journey<T, Self::Way, Self::Wire> {
        never()
    }
}

/// How a capture that is no reference travels to a block that runs on the blocking pool. What is
/// not `Send` is reported by [`CrossesThreads`].
pub trait ArriveOnPool<T>: Sized {
    /// The way.
    type Way;
    /// The form on the wire.
    type Wire;
    /// Takes the way.
    fn arrives_on_pool(self) -> Journey<T, Self::Way, Self::Wire> {
        never()
    }
}

/// How a result that is no reference travels.
pub trait Return<T>: Sized {
    /// The way.
    type Way;
    /// The form on the wire.
    type Wire;
    /// Takes the way.
    fn returns(self) -> Journey<T, Self::Way, Self::Wire> {
        never()
    }
}

macro_rules! ways {
    ($journey:ident: $half:path $(, $($more:tt)*)?) => {
        impl<T: Serialize + Deserialize<'static> $($($more)*)?> $journey<T> for &Journey<T> {
            type Way = ByValue;
            type Wire = T;
        }

        impl<T: $half> $journey<T> for &&Journey<T> {
            type Way = ByValue;
            type Wire = Told<T>;
        }

        impl<T> $journey<T> for Journey<T> {
            type Way = NotAtAll;
            type Wire = Told<T>;
        }
    };
}

ways!(Arrive: Serialize);
ways!(ArriveOnPool: Serialize, + Send);
ways!(Return: Deserialize<'static>);

/// Stands on the wire for a `T` that cannot: the program does not compile, and has been told why.
pub struct Told<T>(PhantomData<fn() -> T>, Never);

/// No value.
#[derive(Clone, Copy)]
enum Never {}

impl<T> fmt::Debug for Told<T> {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.1 {}
    }
}

impl<T> Serialize for Told<T> {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(S::Error::custom("this cannot travel"))
    }
}

impl<'de, T> Deserialize<'de> for Told<T> {
    fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        Err(D::Error::custom("this cannot travel"))
    }
}

/// The form of a `T` on the wire.
pub trait Wire<T> {
    /// What is to be written.
    fn of(value: T) -> Self;
    /// What has been read.
    fn into_value(self) -> T;
}

impl<T> Wire<T> for T {
    fn of(value: T) -> Self {
        value
    }

    fn into_value(self) -> T {
        self
    }
}

impl<T> Wire<T> for Told<T> {
    fn of(_: T) -> Self {
        never()
    }

    fn into_value(self) -> T {
        match self.1 {}
    }
}

/// What `?` in a block can raise. It has every type that becomes a `Box<dyn Error + Send + Sync>`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be raised from a block",
    label = "a block cannot raise a `{Self}`, which is no `Send + Sync` error: raise its text, `.map_err(|error| error.to_string())?`, or make it a `Box<dyn Error + Send + Sync>`"
)]
pub trait Raises {
    /// The error, as it is kept.
    #[doc(hidden)]
    fn into_boxed(self) -> Box<dyn Error + Send + Sync + 'static>;
}

#[diagnostic::do_not_recommend]
impl<E: Into<Box<dyn Error + Send + Sync + 'static>>> Raises for E {
    fn into_boxed(self) -> Box<dyn Error + Send + Sync + 'static> {
        self.into()
    }
}

/// A capture that can be moved to the thread on which a block with `#[block(blocking)]` runs.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be moved to the blocking pool, because it is not `Send`",
    label = "this block captures a `{Self}`",
    note = "a block with `#[block(blocking)]` runs on another thread: capture a value that is `Send` and make the `{Self}` of it in the block, or remove `blocking`"
)]
pub trait CrossesThreads {
    /// Only type-checked, never run.
    #[doc(hidden)]
    fn crosses(_value: &Self) {}
}

#[diagnostic::do_not_recommend]
impl<T: Send> CrossesThreads for T {}

/// A capture of the closure struct, from the wire.
pub fn captured<T, W: Wire<T>>(wire: W) -> T {
    wire.into_value()
}
