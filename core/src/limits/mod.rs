//! The bounds of a peer: each is a number somebody chose, says its unit, and says what happens at
//! it.

pub(crate) mod account;

use std::time::Duration;

/// The bounds that a peer keeps, on what it sends as on what it takes.
///
/// ```
/// use distributed_scope_core::Limits;
/// use std::time::Duration;
///
/// let limits = Limits { deadline: Duration::from_secs(2), ..Limits::default() };
/// assert_eq!(limits.message, 16 << 20);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How long a call may take when neither it nor its caller says otherwise. Default: 10 s.
    ///
    /// At the limit the call ends with
    /// [`ErrorKind::DeadlineExceeded`](crate::ErrorKind::DeadlineExceeded) and the
    /// block is dropped where it runs. A nested call never gets more time than its caller has
    /// left.
    pub deadline: Duration,

    /// The largest message, in bytes, of captures or of a result with its frame header. Default:
    /// 16 MiB.
    ///
    /// A larger call is refused before anything is sent; a larger result ends its call with
    /// [`ErrorKind::TooLarge`](crate::ErrorKind::TooLarge); a larger message from the other side
    /// ends the session. Of messages that have arrived in part, at most twice this is kept for
    /// each session, and nothing of those of which less than [`write_rate`](Self::write_rate)
    /// arrives over four times [`write_stall`](Self::write_stall): their calls are refused.
    pub message: usize,

    /// How many bytes of memory the value of one message may take beyond 24 for each byte of the
    /// message. Default: 8 MiB.
    ///
    /// What would take more is not built to its end: a call is refused as
    /// [`Refusal::DecodeCaptures`](crate::Refusal::DecodeCaptures), and a result ends its call
    /// with [`ErrorKind::DecodeResult`](crate::ErrorKind::DecodeResult). [`Codec`](crate::Codec)
    /// says what is counted. It bounds the time, too, for which reading a message keeps its
    /// thread: however long the message is, its value has at most about as many parts that take
    /// long as the worst one of 1 MiB, which was measured to take less than 50 ms.
    pub memory: usize,

    /// How many calls of one session may wait for their results at once. Default: 65,536.
    ///
    /// One more waits until another has ended, at most until its deadline; one that [fails
    /// fast](crate::Call::fail_fast) is refused as
    /// [`Refusal::Overloaded`](crate::Refusal::Overloaded). Nothing of it is sent.
    pub calls_out: usize,

    /// How many blocks may run at once for one session. Default: 65,536.
    ///
    /// One more is refused as [`Refusal::Overloaded`](crate::Refusal::Overloaded); nothing of it
    /// runs.
    pub calls_in: usize,

    /// How many [detached](crate::Call::detach) blocks may run at once for one session, whether
    /// their calls are open or not. Default: 4,096.
    ///
    /// One more is refused as [`Refusal::Overloaded`](crate::Refusal::Overloaded); nothing of it
    /// runs.
    pub detached: usize,

    /// How many bytes are held for all sessions together. Default: 512 MiB, which leaves a machine
    /// of 1 GiB room for the program.
    ///
    /// Counted are messages that have arrived in part, calls that wait for their turn or for
    /// `authorize`, the captures and the state of blocks that run, and what was not sent or
    /// not acknowledged. At the limit calls are refused as
    /// [`Refusal::Full`](crate::Refusal::Full), large messages that arrive are dropped, and
    /// results end their calls with
    /// [`ErrorKind::ResultDropped`](crate::ErrorKind::ResultDropped). A session that holds less
    /// than 64 KiB is exempt.
    pub held: usize,

    /// How many bytes of them are held for the sessions of one address. Default: 256 MiB; see
    /// [`sessions_per_address`](Self::sessions_per_address).
    ///
    /// The same happens there, and for a session that holds less than 64 KiB it does not.
    pub held_per_address: usize,

    /// How many bytes of them are held for one session. Default: 128 MiB.
    ///
    /// The same happens there. What holds nothing else may hold one message of any size.
    pub held_per_session: usize,

    /// How many hops a chain of nested calls may have. Default: 64.
    ///
    /// One more is refused as [`Refusal::TooManyHops`](crate::Refusal::TooManyHops), so that two
    /// peers that call each other without end stop.
    pub hops: u8,

    /// How many bytes may wait to be sent to one peer. Default: 4 MiB.
    ///
    /// A call that would make it more waits until there is room, in the order in which calls were
    /// made and at most until its deadline; one that [fails fast](crate::Call::fail_fast) is
    /// refused as [`Refusal::QueueFull`](crate::Refusal::QueueFull). Results are not refused, up
    /// to [`results`](Self::results); instead blocks that the peer calls meanwhile begin when
    /// there is room, and at most as many bytes of such calls wait: one more is refused there as
    /// `QueueFull`. If what waits could be sent and the peer does not take it, nothing more is
    /// read from it, but for a little now and then, so that two peers that both wait for room
    /// get on.
    pub queue: usize,

    /// How many bytes may wait to be sent to one peer when a result joins them, whether the peer
    /// reads slowly or its connection is lost. Default: 64 MiB.
    ///
    /// A result that would make it more is dropped, unless nothing else waits, and its call ends
    /// with [`ErrorKind::ResultDropped`](crate::ErrorKind::ResultDropped).
    pub results: usize,

    /// How many bytes that were sent and not acknowledged are kept, to be sent again when a
    /// connection was lost; each frame counts for about 100 more. Default: 4 MiB.
    ///
    /// What is older is dropped; if the other side turns out to lack it, the session cannot go on,
    /// and its open calls end as [`Disconnected`](crate::ErrorKind::Disconnected).
    pub resend: usize,

    /// How many bytes of messages larger than 64 KiB may be on their way to one peer at once.
    /// Default: 256 KiB; at least 192.5 KiB.
    ///
    /// More of them waits. A larger window is faster over long distances, a smaller one lets small
    /// messages pass sooner; after 8 MiB without a small one between them it is four times as
    /// much, until one comes.
    pub window: usize,

    /// For how long a session waits for a new connection after it lost the old one. Default: 30 s;
    /// zero turns resuming off.
    ///
    /// After that its open calls end as [`Disconnected`](crate::ErrorKind::Disconnected).
    pub resume: Duration,

    /// How long a dialler waits at most before it first tries to come back after a loss. Default:
    /// 100 ms.
    ///
    /// Each pause is random between nothing and a bound, which is 1.6 times as high each time, up
    /// to 300 times this and to 30 s. Where a server answers and refuses (401, 403, 404, 429,
    /// 503 and the like), the bound is ten times as high, and what it asks for with `Retry-After`
    /// is added, up to an hour. The bound is this again after a connection that lasted 10 s, or on
    /// which a resumed session went on.
    pub reconnect: Duration,

    /// After how much silence a connection is taken for dead. Default: 30 s.
    ///
    /// It is dropped then, and the session waits for a new one. Each side says something at least
    /// twice per span of the other's silence, unless that is less than 100 ms, or less than a
    /// sixtieth of its own: give both sides spans of one order. A proxy on the way that cuts
    /// idle connections has to wait longer than half of this; a client whose connections are cut
    /// so warns of it once.
    pub silence: Duration,

    /// How long a peer may take nothing of what waits to be sent to it, or less than
    /// [`write_rate`](Self::write_rate). Default: 10 s.
    ///
    /// After that the connection is dropped.
    pub write_stall: Duration,

    /// How many bytes per second a peer takes at least while more waits to be sent to it, on
    /// average over [`write_stall`](Self::write_stall). Default: 4,096, which is a line of 32
    /// kbit/s. With 0, any byte will do.
    ///
    /// What a peer has taken of a message of more than 64 KiB is known for each 64 KiB of it, so a
    /// line that such messages go over carries at least that much in a span: 53 kbit/s at the
    /// defaults.
    ///
    /// The connection of a slower one is dropped: it keeps what waits for it in this peer's
    /// memory.
    pub write_rate: u32,

    /// How many sessions a peer has at once. Default: 10,000.
    ///
    /// One more is turned away as [`Reject::Full`](crate::Reject::Full).
    pub sessions: usize,

    /// How many sessions one address may have, with or without a connection. Default: 256; an
    /// address of IPv6 is its first 64 bits.
    ///
    /// One more is answered with HTTP 429. As many connections may begin in a second from one
    /// address; one that is turned away (401 or 403) counts four times. A quarter more
    /// connections are let in for those that lost theirs, and open no new session. Behind a proxy
    /// all clients have the proxy's address: raise it to [`sessions`](Self::sessions) there.
    pub sessions_per_address: usize,

    /// How many connections per second may begin, and as many at once. Default: 1,000.
    ///
    /// One more is answered with HTTP 429, before it costs a signature or a look at a token. A
    /// quarter of them is kept for addresses that have sessions, so that those who lost a
    /// connection come back although many strangers come.
    pub handshakes_per_second: u32,

    /// How many calls per second the other side of a session may make, and as many at once.
    /// Default: 5,000,000, which is several times what one session was measured to make.
    ///
    /// One more is refused as [`Refusal::TooFast`](crate::Refusal::TooFast); nothing of it runs.
    /// It counts for a session, and a new session may make as many at once: whoever opens one
    /// after the other is held up by [`handshakes_per_second`](Self::handshakes_per_second), and
    /// for who must not get around it that way, `authenticate` and `authorize` can count by
    /// somebody instead.
    pub calls_per_second: u32,

    /// How long the other side may take to introduce itself on a new connection. Default: 5 s.
    ///
    /// After that the connection is closed.
    pub handshake: Duration,

    /// The longest text of an error, in bytes, for each of the causes in its chain, of which there
    /// are 33 at most. Default: 4 KiB.
    ///
    /// A longer one is cut in the middle, and says there how many bytes are left out: where a
    /// block raises it, before it travels, and where it arrives.
    pub error_text: usize,

    /// How many calls may wait at once for peers that are not connected, of all blocks that one
    /// peer has this one run. Default: 1,024.
    ///
    /// One more is refused as [`Refusal::TooManyWaiting`](crate::Refusal::TooManyWaiting). Blocks
    /// that this peer has itself run share one such number; calls that no block makes are not
    /// counted.
    pub waiting: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            deadline: Duration::from_secs(10),
            message: 16 << 20,
            memory: crate::wire::codec::SPARE,
            calls_out: 1 << 16,
            calls_in: 1 << 16,
            detached: 4096,
            held: 512 << 20,
            held_per_address: 256 << 20,
            held_per_session: 128 << 20,
            hops: 64,
            queue: 4 << 20,
            results: 64 << 20,
            resend: 4 << 20,
            window: 256 << 10,
            resume: Duration::from_secs(30),
            reconnect: Duration::from_millis(100),
            silence: Duration::from_secs(30),
            write_stall: Duration::from_secs(10),
            write_rate: 4096,
            sessions: 10_000,
            sessions_per_address: 256,
            handshakes_per_second: 1000,
            calls_per_second: 5_000_000,
            handshake: Duration::from_secs(5),
            error_text: crate::util::shown::LONGEST,
            waiting: 1024,
        }
    }
}
