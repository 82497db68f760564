//! Encoded captures or an encoded result, on the way from the serializer to the session.

use std::ops::Deref;

use bytes::Bytes;

/// Bytes that one owner still writes a header to, or that are shared.
///
/// What is to be sent is made by a serializer, gets its header, and is kept until the other side
/// has it. It is shared only where other code keeps it, too, or sends it in parts: a share
/// costs an allocation more for each frame, and bytes that are shared from the first would have to
/// be taken back for the header.
#[derive(Clone, Debug, Eq)]
pub enum Encoded {
    /// Not shared. A clone is a copy.
    Own(Vec<u8>),
    /// Others may have them, too.
    Shared(Bytes),
}

impl Encoded {
    /// A share of them.
    #[must_use]
    pub fn share(&mut self) -> Bytes {
        let bytes = std::mem::take(self).into_bytes();
        *self = Self::Shared(bytes.clone());
        bytes
    }

    /// Keeps the first `len` bytes.
    pub(crate) fn truncate(&mut self, len: usize) {
        match self {
            Self::Own(bytes) => bytes.truncate(len),
            Self::Shared(bytes) => bytes.truncate(len),
        }
    }

    /// Lets `write` change them. They are copied if others have them, too.
    pub(crate) fn sealed(self, write: impl FnOnce(&mut [u8])) -> Self {
        let mut bytes = match self {
            Self::Own(bytes) => bytes,
            Self::Shared(bytes) => Vec::from(bytes),
        };
        write(&mut bytes);
        Self::Own(bytes)
    }

    /// The bytes, to be shared from now on.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        match self {
            Self::Own(bytes) => Bytes::from(bytes),
            Self::Shared(bytes) => bytes,
        }
    }
}

impl Default for Encoded {
    fn default() -> Self {
        Self::Own(Vec::new())
    }
}

impl Deref for Encoded {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Own(bytes) => bytes,
            Self::Shared(bytes) => bytes,
        }
    }
}

impl PartialEq for Encoded {
    /// Whether the bytes are the same, shared or not.
    fn eq(&self, other: &Self) -> bool {
        self[..] == other[..]
    }
}

impl From<Vec<u8>> for Encoded {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Own(bytes)
    }
}

impl From<Bytes> for Encoded {
    fn from(bytes: Bytes) -> Self {
        Self::Shared(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_of_one_owner_are_sealed_in_place_and_shared_ones_are_left_as_they_are() {
        let own = vec![0; 100];
        let before = own.as_ptr();
        let mut sealed = Encoded::from(own).sealed(|bytes| bytes[0] = 1);
        assert_eq!((sealed.as_ptr(), sealed[0]), (before, 1));
        let again = Encoded::from(sealed.share()).sealed(|bytes| bytes[0] = 2);
        assert_eq!((sealed[0], again[0]), (1, 2));
    }

    #[test]
    fn a_share_is_of_the_same_bytes() {
        let mut encoded = Encoded::from(vec![1, 2, 3]);
        let before = encoded.as_ptr();
        assert_eq!(encoded.share().as_ptr(), before);
        assert_eq!((encoded.as_ptr(), &encoded[..]), (before, &[1, 2, 3][..]));
    }
}
