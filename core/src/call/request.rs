//! A call on its way from the place where it was awaited to the session that carries it.

use crate::block::Block;
use crate::channel::handle::Handles;
use crate::identity::peer_id::PeerId;
use crate::util::time::Deadline;
use crate::wire::codec::Codec;
use crate::wire::encoded::Encoded;

/// A call that is ready to be sent.
#[derive(Clone, Debug)]
pub struct Request {
    /// The peer that is to run the block.
    pub to: PeerId,
    /// The block.
    pub block: &'static Block,
    /// The encoded captures, behind [`HEAD`](crate::wire::frame::HEAD) bytes of room for the
    /// header.
    pub frame: Encoded,
    /// The ends of channels among the captures, whose table is behind them.
    pub handles: Handles,
    /// How the captures are encoded.
    pub codec: Codec,
    /// When the call must have ended.
    pub deadline: Deadline,
    /// How many hops lie behind it.
    pub hop: u8,
    /// Whether the block keeps running when its caller has stopped waiting.
    pub is_detached: bool,
    /// Whether it is refused where it would have to wait for room.
    pub fails_fast: bool,
    /// Whether it ends with the connection that it was sent on.
    pub is_bound: bool,
}
