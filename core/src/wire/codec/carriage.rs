//! How the values of one type travel.

use std::any::type_name;

use serde::Serialize;

use super::fault::WriteFault;
use super::tuples::TupleLengths;
use super::{Codec, EncodeError, check};
use crate::block::shape::Subject;
use crate::channel::handle::Handles;
use crate::channel::scope::{self, Leaving};
use crate::wire::frame::Ends;

/// The codec that carries the values of a type exactly, and what is used for one that it cannot
/// carry after all.
#[derive(Debug)]
pub(crate) struct Carriage {
    codec: Codec,
    /// For a value that leaves a field out, which made-up values of its type did not.
    otherwise: Option<Codec>,
    tuples: TupleLengths,
    /// The type, if no value of it could be made up to try it: then each value is tried before it
    /// is sent.
    untried: Option<Subject>,
    /// Its values may have ends of channels.
    has_ends: bool,
}

/// An encoded value.
#[derive(Debug)]
pub struct Written {
    /// How it is encoded.
    pub codec: Codec,
    /// Its bytes behind the space for a header. If it has ends of channels, their table follows.
    pub bytes: Vec<u8>,
    /// The ends of channels in it.
    pub handles: Handles,
}

impl Carriage {
    pub(crate) const fn new(codec: Codec, otherwise: Option<Codec>, tuples: TupleLengths) -> Self {
        Self { codec, otherwise, tuples, untried: None, has_ends: false }
    }

    /// The same for a type whose values may have ends of channels.
    pub(crate) fn with_ends(self, has_ends: bool) -> Self {
        Self { has_ends, ..self }
    }

    /// One by which each value is read and written again before it is sent.
    pub(crate) fn untried(codec: Codec, subject: Subject) -> Self {
        Self { untried: Some(subject), has_ends: true, ..Self::new(codec, None, TupleLengths::new()) }
    }

    /// The codec of nearly all values.
    pub(crate) fn codec(&self) -> Codec {
        self.codec
    }

    /// Writes a value behind `head` bytes of room.
    #[inline]
    pub(crate) fn encode<T: Serialize + ?Sized>(
        &self,
        head: usize,
        value: &T,
    ) -> Result<Written, EncodeError> {
        let leaving = if self.has_ends { Some(Leaving::begin()) } else { None };
        let (codec, bytes) = self.encode_alone(head, value)?;
        match leaving {
            None => Ok(Written { codec, bytes, handles: Handles::default() }),
            Some(leaving) => with_ends(type_name::<T>(), codec, bytes, leaving.handles()),
        }
    }

    #[inline]
    fn encode_alone<T: Serialize + ?Sized>(
        &self,
        head: usize,
        value: &T,
    ) -> Result<(Codec, Vec<u8>), EncodeError> {
        match self.codec.encode_checked(head, self.tuples(), value) {
            Ok(bytes) if self.untried.is_none() => Ok((self.codec, bytes)),
            Ok(bytes) => self.tried(head, bytes),
            Err(error) => self.encode_otherwise(head, value, error),
        }
    }

    #[cold]
    #[inline(never)]
    fn encode_otherwise<T: Serialize + ?Sized>(
        &self,
        head: usize,
        value: &T,
        error: EncodeError,
    ) -> Result<(Codec, Vec<u8>), EncodeError> {
        match self.otherwise.filter(|_| error.wants_names()) {
            Some(codec) => {
                scope::restart();
                Ok((codec, codec.encode_checked(head, self.tuples(), value)?))
            }
            None => Err(error),
        }
    }

    #[cold]
    #[inline(never)]
    fn tried(&self, head: usize, bytes: Vec<u8>) -> Result<(Codec, Vec<u8>), EncodeError> {
        if let Some(subject) = &self.untried {
            scope::tracing(|| check::value(subject, self.codec, bytes.get(head..).unwrap_or_default()))
                .map_err(|reason| EncodeError::new(subject.name, WriteFault::Custom(reason).into()))?;
        }
        Ok((self.codec, bytes))
    }

    #[inline]
    fn tuples(&self) -> Option<&TupleLengths> {
        if self.tuples.is_empty() { None } else { Some(&self.tuples) }
    }
}

#[cold]
#[inline(never)]
fn with_ends(
    type_name: &'static str,
    codec: Codec,
    mut bytes: Vec<u8>,
    handles: Handles,
) -> Result<Written, EncodeError> {
    if handles.len() > Ends::MOST {
        let reason = format!("more than {} ends of channels in one value", Ends::MOST);
        return Err(EncodeError::new(type_name, WriteFault::Custom(reason).into()));
    }
    handles.append_table(&mut bytes);
    Ok(Written { codec, bytes, handles })
}
