//! Everything that `PROTOCOL.md` describes: frames, codecs and the handshake.

pub(crate) mod codec;
pub(crate) mod encoded;
pub mod frame;
pub mod handshake;
