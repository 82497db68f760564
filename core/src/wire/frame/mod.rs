//! The messages that two peers exchange, byte by byte. `PROTOCOL.md` is the same in prose.
//!
//! A frame is one WebSocket binary message. Numbers are little endian.
//!
//! | module | frames |
//! |---|---|
//! | here | all of them, by kind |
//! | `call` | invoke, reply |
//! | `chunk`, `framed` | parts of large ones, and how those are sent |
//! | `channel` | ends of channels in messages; items, credit, the end of a channel |
//! | `catalogue` | the blocks of a peer |
//! | `introduction`, `reject` | the handshake |
//! | `session_end` | the end of a session |

mod call;
mod catalogue;
mod channel;
mod chunk;
mod framed;
mod introduction;
mod read;
mod reject;
mod session_end;
#[cfg(test)]
mod tests;

use bytes::{Buf, BufMut, Bytes, BytesMut};

use self::read::{end, u64_le};

pub(crate) use self::call::codec;
pub use self::call::{CallId, HEAD, Invoke, Reply};
pub use self::catalogue::Catalogue;
pub use self::channel::{
    ChannelId, Credit, Direction, Ends, Entry, FIRST_BYTES, ITEM_COST, ITEM_HEAD, Item, Leave, Leaving,
};
pub(crate) use self::channel::{has_ends, opens};
pub use self::chunk::Chunk;
pub use self::framed::Framed;
pub use self::introduction::{
    Challenge, Hello, Introduction, KeyProof, Mac, Opened, Resume, SessionId, Token, Welcome,
};
pub use self::reject::Reject;
pub use self::session_end::SessionEnd;

/// The version of the protocol. Two peers whose versions differ do not talk.
pub const VERSION: u16 = 1;

/// The WebSocket subprotocol that both ends name when they connect.
pub const SUBPROTOCOL: &str = "distributed-scope.v1";

/// How the subprotocols of all versions begin; the number of the version follows.
const FAMILY: &str = "distributed-scope.v";

/// The close code by which a server tells a client that it speaks another version of the protocol.
/// The reason of the close frame begins with the subprotocol that the server speaks;
/// [`protocol_version`] reads it.
pub const OUTDATED: u16 = 4505;

/// The version of the protocol that a subprotocol of ours stands for, or a text that begins with
/// one and goes on after a space.
///
/// ```
/// use distributed_scope_core::frame::{SUBPROTOCOL, VERSION, protocol_version};
///
/// assert_eq!(protocol_version(SUBPROTOCOL), Some(VERSION));
/// assert_eq!(protocol_version("distributed-scope.v12 is what this server speaks"), Some(12));
/// assert_eq!(protocol_version("distributed-scope.v01"), None);
/// ```
#[must_use]
pub fn protocol_version(text: &str) -> Option<u16> {
    let digits = text.strip_prefix(FAMILY)?.split(' ').next()?;
    // A number has one form: `parse` takes a sign and zeros in front, too.
    let is_plain = digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0');
    digits.parse().ok().filter(|_| is_plain)
}

/// The subprotocol by which a page shows a token, which it can put into no header: `bearer.` and
/// the token in base64url without padding. It is named beside [`SUBPROTOCOL`] and never answered.
///
/// ```
/// assert_eq!(distributed_scope_core::frame::bearer_protocol("a token"), "bearer.YSB0b2tlbg");
/// ```
#[must_use]
pub fn bearer_protocol(token: &str) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut protocol = String::from("bearer.");
    for bytes in token.as_bytes().chunks(3) {
        let bits =
            bytes.iter().fold(0, |bits, byte| (bits << 8) | usize::from(*byte)) << (8 * (3 - bytes.len()));
        for letter in 0..=bytes.len() {
            protocol.push(char::from(LETTERS[(bits >> (18 - 6 * letter)) & 63]));
        }
    }
    protocol
}

const MAGIC: &[u8; 4] = b"dscp";

const HELLO: u8 = 1;
const WELCOME: u8 = 2;
const REJECT: u8 = 3;
const INVOKE: u8 = 4;
const REPLY: u8 = 5;
const CANCEL: u8 = 6;
const ACK: u8 = 7;
const CHUNK: u8 = 8;
const GO_AWAY: u8 = 9;
const CATALOGUE: u8 = 10;
const CHALLENGE: u8 = 11;
const END: u8 = 12;
const PING: u8 = 13;
const CHANGE: u8 = 14;
const ITEM: u8 = 15;
const CREDIT: u8 = 16;
const LEAVE: u8 = 17;

/// One message. Those of the handshake, which are large and rare, are boxed, for all others are
/// moved about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// The acceptor says what the dialler has to prove itself on.
    Challenge(Challenge),
    /// The dialler introduces itself.
    Hello(Box<Hello>),
    /// The acceptor answers, and the session is open.
    Welcome(Box<Welcome>),
    /// The acceptor does not want this session, and closes.
    Reject(Reject),
    /// Run a block.
    Invoke(Invoke),
    /// How a block ended.
    Reply(Reply),
    /// Stop a block: its caller has stopped waiting.
    Cancel(CallId),
    /// How many numbered frames of the other side have arrived. It is not numbered itself.
    Ack(u64),
    /// A part of a large invoke or reply.
    Chunk(Chunk),
    /// The sender is stopping: it answers what it has, and takes no new calls.
    GoAway,
    /// Which blocks the sender has, told to a peer that has others.
    Catalogue(Catalogue),
    /// The sender wants to hear something. It is not numbered.
    Ping,
    /// The dialler wants to resume the session as another principal (false), and the acceptor
    /// would let it (true). It is not numbered.
    Change(bool),
    /// The sender has ended the session, and proves that it has the session's token. It is not
    /// numbered.
    End(SessionEnd),
    /// An item of a channel.
    Item(Item),
    /// The receiver of a channel accepts more items.
    Credit(Credit),
    /// One side is finished with a channel.
    Leave(Leave),
}

/// Bytes that are no frame.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// There are fewer bytes than the frame needs.
    #[error("the frame is cut short")]
    Short,
    /// There are more bytes than the frame has.
    #[error("the frame has bytes left over")]
    Trailing,
    /// The kind is not one that this version knows.
    #[error("frame kind {0} is unknown")]
    UnknownKind(u8),
    /// A field has a value that it cannot have.
    #[error("a field has an impossible value")]
    Field,
    /// The first frame is not an introduction.
    #[error("the other side does not speak this protocol")]
    Magic,
}

impl Frame {
    /// Its kind, as `PROTOCOL.md` names it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Challenge(_) => "challenge",
            Self::Hello(_) => "hello",
            Self::Welcome(_) => "welcome",
            Self::Reject(_) => "reject",
            Self::Invoke(_) => "invoke",
            Self::Reply(_) => "reply",
            Self::Cancel(_) => "cancel",
            Self::Ack(_) => "ack",
            Self::Chunk(_) => "chunk",
            Self::GoAway => "go away",
            Self::Catalogue(_) => "catalogue",
            Self::End(_) => "end",
            Self::Ping => "ping",
            Self::Change(_) => "change",
            Self::Item(_) => "item",
            Self::Credit(_) => "credit",
            Self::Leave(_) => "leave",
        }
    }

    /// Whether these are the bytes of [`GoAway`](Self::GoAway).
    pub(crate) fn is_go_away(bytes: &[u8]) -> bool {
        bytes == [GO_AWAY]
    }

    /// Reads one frame. Captures and payloads are shared with `bytes`, not copied.
    pub fn decode(mut bytes: Bytes) -> Result<Self, FrameError> {
        let kind = *bytes.first().ok_or(FrameError::Short)?;
        match kind {
            INVOKE => Invoke::decode(bytes).map(Self::Invoke),
            REPLY => Reply::decode(bytes).map(Self::Reply),
            CANCEL => {
                bytes.advance(1);
                let call = u64_le(&mut bytes)?;
                end(&bytes).map(|()| Self::Cancel(CallId(call)))
            }
            ACK => {
                bytes.advance(1);
                let received = u64_le(&mut bytes)?;
                end(&bytes).map(|()| Self::Ack(received))
            }
            CHUNK => Chunk::decode(bytes).map(Self::Chunk),
            GO_AWAY => {
                bytes.advance(1);
                end(&bytes).map(|()| Self::GoAway)
            }
            ITEM => Item::decode(bytes).map(Self::Item),
            CREDIT => {
                bytes.advance(1);
                Credit::decode(&mut bytes).map(Self::Credit)
            }
            LEAVE => {
                bytes.advance(1);
                Leave::decode(bytes).map(Self::Leave)
            }
            CATALOGUE => {
                bytes.advance(1);
                Catalogue::decode(&mut bytes).map(Self::Catalogue)
            }
            PING => {
                bytes.advance(1);
                end(&bytes).map(|()| Self::Ping)
            }
            CHANGE => {
                bytes.advance(1);
                let agrees = read::flag(&mut bytes)?;
                end(&bytes).map(|()| Self::Change(agrees))
            }
            END => {
                bytes.advance(1);
                SessionEnd::decode(&mut bytes).map(Self::End)
            }
            CHALLENGE => {
                bytes.advance(1);
                Challenge::decode(&mut bytes).map(Self::Challenge)
            }
            HELLO => {
                bytes.advance(1);
                Hello::decode(&mut bytes).map(|hello| Self::Hello(Box::new(hello)))
            }
            WELCOME => {
                bytes.advance(1);
                Welcome::decode(&mut bytes).map(|welcome| Self::Welcome(Box::new(welcome)))
            }
            REJECT => {
                bytes.advance(1);
                Reject::decode(&mut bytes).map(Self::Reject)
            }
            kind => Err(FrameError::UnknownKind(kind)),
        }
    }

    /// Writes one frame. Those with captures or a payload are sealed in place by [`Invoke::seal`]
    /// and [`Reply::seal`] instead where it matters; here they are copied.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        let mut out = BytesMut::new();
        match self {
            Self::Hello(hello) => hello.encode(&mut out),
            Self::Welcome(welcome) => welcome.encode(&mut out),
            Self::Reject(reject) => reject.encode(&mut out),
            Self::Challenge(challenge) => challenge.encode(&mut out),
            Self::Invoke(invoke) => {
                return invoke.seal(with_table(&invoke.captures, invoke.ends.as_deref())).into_bytes();
            }
            Self::Reply(reply) => {
                return reply.seal(with_table(&reply.payload, reply.ends.as_deref())).into_bytes();
            }
            Self::Cancel(CallId(call)) => {
                out.put_u8(CANCEL);
                out.put_u64_le(*call);
            }
            Self::Ack(received) => {
                out.put_u8(ACK);
                out.put_u64_le(*received);
            }
            Self::Chunk(chunk) => return Framed::chunk(chunk.clone()).into_bytes(),
            Self::GoAway => out.put_u8(GO_AWAY),
            Self::Catalogue(catalogue) => catalogue.encode(&mut out),
            Self::Item(item) => return item.encode(),
            Self::Credit(credit) => credit.encode(&mut out),
            Self::Leave(leave) => leave.encode(&mut out),
            Self::Ping => out.put_u8(PING),
            Self::Change(agrees) => out.put_slice(&[CHANGE, u8::from(*agrees)]),
            Self::End(end) => end.encode(&mut out),
        }
        out.freeze()
    }
}

/// A payload behind room for a header, and the table of its ends behind it.
fn with_table(payload: &[u8], ends: Option<&Ends>) -> Vec<u8> {
    let mut frame = [&[0; HEAD], payload].concat();
    if let Some(ends) = ends {
        Ends::append(&mut frame, ends.entries.iter().copied());
    }
    frame
}
