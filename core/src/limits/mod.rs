//! The limits of a peer. Each is a number with a unit, a default, and a documented effect at the
//! limit.

pub(crate) mod account;

use std::time::Duration;

/// The limits of a peer, for what it sends and for what it receives.
///
/// ```
/// use distributed_scope_core::Limits;
/// use std::time::Duration;
///
/// let limits = Limits::default().with_default_deadline(Duration::from_secs(2));
/// assert_eq!(limits.max_message, 16 << 20);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// The longest time a call may take if neither the call nor its caller sets a deadline.
    /// Default: 10 s.
    ///
    /// At the limit the call ends with
    /// [`ErrorKind::DeadlineExceeded`](crate::ErrorKind::DeadlineExceeded) and the block is
    /// dropped where it runs. A nested call never gets more time than its caller has left.
    pub default_deadline: Duration,

    /// The largest message, in bytes: captures or a result, including the frame header. Default:
    /// 16 MiB.
    ///
    /// A larger call is refused before anything is sent. A larger result ends its call with
    /// [`ErrorKind::TooLarge`](crate::ErrorKind::TooLarge). A larger message from the other side
    /// ends the session.
    ///
    /// Each session buffers at most twice this for messages that have arrived in part. A message
    /// that arrives slower than [`min_write_rate`](Self::min_write_rate) over four times
    /// [`write_timeout`](Self::write_timeout) is not buffered, and its call is refused.
    pub max_message: usize,

    /// The memory that the decoded value of one message may take, in bytes, beyond 24 for each
    /// byte of the message. Default: 8 MiB.
    ///
    /// A value that would take more is not decoded to its end. A call is refused as
    /// [`Refusal::DecodeCaptures`](crate::Refusal::DecodeCaptures), and a result ends its call
    /// with [`ErrorKind::DecodeResult`](crate::ErrorKind::DecodeResult). [`Codec`](crate::Codec)
    /// says what is counted.
    ///
    /// This also bounds how long decoding a message occupies its thread. The slow parts of a value
    /// are bounded by about the number in the worst message of 1 MiB, whatever the length of the
    /// message. That message was measured to take less than 50 ms.
    pub max_decode_memory: usize,

    /// The number of calls of one session that may wait for their results at once. Default:
    /// 65,536.
    ///
    /// A further call waits until another has ended, at most until its deadline. If it [fails
    /// fast](crate::Call::fail_fast), it is refused as
    /// [`Refusal::Overloaded`](crate::Refusal::Overloaded). Nothing of it is sent.
    pub max_calls_in_flight: usize,

    /// The number of blocks that may run at once for one session. Default: 65,536.
    ///
    /// A further call is refused as [`Refusal::Overloaded`](crate::Refusal::Overloaded); nothing
    /// of its block runs.
    pub max_calls_served: usize,

    /// The number of [detached](crate::Call::detach) blocks that may run at once for one session,
    /// whether their calls are open or not. Default: 4,096.
    ///
    /// A further call is refused as [`Refusal::Overloaded`](crate::Refusal::Overloaded); nothing
    /// of its block runs.
    pub max_detached: usize,

    /// The number of bytes held for all sessions together. Default: 512 MiB, which leaves memory
    /// for the program on a machine with 1 GiB.
    ///
    /// These are counted: messages that have arrived in part, calls that wait to start or for
    /// `authorize`, captures and state of running blocks, and output that was not sent or not
    /// acknowledged.
    ///
    /// At the limit, calls are refused as [`Refusal::Full`](crate::Refusal::Full), and large
    /// messages that arrive are dropped. Results end their calls with
    /// [`ErrorKind::ResultDropped`](crate::ErrorKind::ResultDropped). A session that holds less
    /// than 64 KiB is exempt.
    pub max_held_bytes: usize,

    /// The part of [`max_held_bytes`](Self::max_held_bytes), in bytes, that the sessions of one
    /// address may use. Default: 256 MiB; see
    /// [`max_sessions_per_address`](Self::max_sessions_per_address).
    ///
    /// The same happens at this limit, and a session that holds less than 64 KiB is exempt.
    pub max_held_bytes_per_address: usize,

    /// The part of [`max_held_bytes`](Self::max_held_bytes), in bytes, that one session may use.
    /// Default: 128 MiB.
    ///
    /// The same happens at this limit. A session that holds nothing else may hold one message of
    /// any size.
    pub max_held_bytes_per_session: usize,

    /// The number of hops in a chain of nested calls. Default: 64.
    ///
    /// A further hop is refused as [`Refusal::TooManyHops`](crate::Refusal::TooManyHops). This
    /// stops two peers that call each other without end.
    pub max_hops: u8,

    /// The number of bytes that may wait to be sent to one peer. Default: 4 MiB.
    ///
    /// If a call would exceed the limit, it waits until the queue has space, at most until its
    /// deadline. Waiting calls are sent in the order in which they were made. If a call [fails
    /// fast](crate::Call::fail_fast), it is refused as
    /// [`Refusal::QueueFull`](crate::Refusal::QueueFull).
    ///
    /// Results are not refused, up to [`max_queued_result_bytes`](Self::max_queued_result_bytes).
    /// Instead, blocks that the peer calls meanwhile start when the queue has space. At most this
    /// many bytes of such calls wait; a further one is refused there as `QueueFull`.
    ///
    /// If the queue could be sent and the peer does not take it, reading from that peer is paused.
    /// A small allowance is still read, which keeps two peers with full queues from deadlocking.
    pub max_queued_bytes: usize,

    /// The number of bytes that may wait to be sent to one peer when a result is queued. Default:
    /// 64 MiB. It applies both when the peer reads slowly and when its connection is lost.
    ///
    /// A result that would exceed the limit is dropped, unless nothing else waits. Its call ends
    /// with [`ErrorKind::ResultDropped`](crate::ErrorKind::ResultDropped).
    pub max_queued_result_bytes: usize,

    /// The number of bytes that were sent and not acknowledged, kept for resending after a lost
    /// connection. Each frame counts for about 100 more. Default: 4 MiB.
    ///
    /// Older frames are discarded. If the other side turns out to lack one of them, the session
    /// cannot be resumed. Its open calls then end as
    /// [`Disconnected`](crate::ErrorKind::Disconnected).
    pub resend_buffer: usize,

    /// The number of bytes in flight to one peer, for messages larger than 64 KiB. Default: 256
    /// KiB; at least 192.5 KiB.
    ///
    /// Further bytes of such messages wait. A larger window is faster over long distances; a
    /// smaller one lets small messages pass sooner. After 8 MiB without a small message in
    /// between, the window is four times as large, until a small message comes.
    pub send_window: usize,

    /// The number of channels whose ends one session may carry at once, in both directions.
    /// Default: 1,024.
    ///
    /// A call that would open more is refused as
    /// [`Refusal::Overloaded`](crate::Refusal::Overloaded), and nothing of its block runs. A
    /// result that would is dropped: its call ends with
    /// [`ErrorKind::DecodeResult`](crate::ErrorKind::DecodeResult). An item that would ends its
    /// channel.
    pub max_channels: usize,

    /// The number of bytes that may be in flight or unread on one channel to this peer. Default:
    /// 256 KiB; at least 64 KiB.
    ///
    /// At the limit the sender waits. The last item may exceed it. An unread channel delays
    /// neither calls nor other channels.
    pub channel_window: u32,

    /// How long a session waits for a new connection after it lost the old one. Default: 30 s;
    /// zero turns resuming off.
    ///
    /// After that its open calls end as [`Disconnected`](crate::ErrorKind::Disconnected).
    pub resume_window: Duration,

    /// The longest time a dialler waits before its first attempt to reconnect. Default: 100 ms.
    ///
    /// Each pause is random between zero and a bound. The bound grows by a factor of 1.6 each
    /// time, up to 300 times this and to 30 s. If a server answers and refuses (401, 403, 404,
    /// 429, 503 and the like), the bound is ten times as high. The time in its `Retry-After` is
    /// added, up to an hour.
    ///
    /// The bound is reset to this after a connection that lasted 10 s, or one on which a session
    /// was resumed. While such a session waits for a connection, the bound is at most an eighth of
    /// `resume_window`, unless the server refuses.
    pub reconnect_delay: Duration,

    /// The idle timeout: how long a connection may receive nothing before it counts as dead.
    /// Default: 30 s.
    ///
    /// The connection is dropped then, and the session waits for a new one. Each side sends at
    /// least twice per idle timeout of the other side. This does not hold if that timeout is less
    /// than 100 ms, or less than a sixtieth of its own: give both sides timeouts of the same
    /// order.
    ///
    /// A proxy on the way that cuts idle connections has to wait longer than half of this. A
    /// client whose connections are cut that way warns of it once.
    pub idle_timeout: Duration,

    /// How long a peer may take none of the output that waits for it, or less than
    /// [`min_write_rate`](Self::min_write_rate). Default: 10 s.
    ///
    /// After that the connection is dropped.
    pub write_timeout: Duration,

    /// The minimum rate, in bytes per second, at which a peer takes output while more waits. It is
    /// an average over [`write_timeout`](Self::write_timeout). Default: 4,096, which is a line of
    /// 32 kbit/s. With 0, any byte is enough.
    ///
    /// Progress in a message of more than 64 KiB is known only for each 64 KiB. A line that
    /// carries such messages therefore needs at least that much per `write_timeout`: 53 kbit/s at
    /// the defaults.
    ///
    /// The connection of a slower peer is dropped, because its pending output occupies memory of
    /// this peer.
    pub min_write_rate: u32,

    /// The number of sessions that a peer has at once. Default: 10,000.
    ///
    /// A further session is rejected as [`Reject::Full`](crate::Reject::Full).
    pub max_sessions: usize,

    /// The number of sessions of one address, with or without a connection. Default: 256; an IPv6
    /// address counts by its first 64 bits.
    ///
    /// A further session is answered with HTTP 429. The same number of connections may begin per
    /// second from one address; a rejected one (401 or 403) counts four times. A quarter more
    /// connections are accepted from clients that lost theirs; these open no new session.
    ///
    /// Behind a proxy all clients have the proxy's address: raise it to
    /// [`max_sessions`](Self::max_sessions) there.
    pub max_sessions_per_address: usize,

    /// The number of connections that may begin per second, and the size of a burst. Default:
    /// 1,000.
    ///
    /// A further connection is answered with HTTP 429, before a signature or a token is checked. A
    /// quarter of the rate is reserved for addresses that have sessions. Clients that lost a
    /// connection can therefore reconnect under a flood of new clients.
    pub max_handshakes_per_second: u32,

    /// The number of calls per second that the other side of a session may make, and the size of a
    /// burst. Default: 5,000,000, several times what one session was measured to make.
    ///
    /// A further call is refused as [`Refusal::TooFast`](crate::Refusal::TooFast); nothing of it
    /// runs. The rate is counted per session, and a new session starts with a full burst. Opening
    /// session after session is limited by
    /// [`max_handshakes_per_second`](Self::max_handshakes_per_second). To close that gap, count
    /// calls per user in `authenticate` and `authorize`.
    pub max_calls_per_second: u32,

    /// How long the other side may take for the handshake on a new connection. Default: 5 s.
    ///
    /// After that the connection is closed.
    pub handshake_timeout: Duration,

    /// The longest text of an error, in bytes, for each cause in its chain; a chain has at most
    /// 33. Default: 4 KiB.
    ///
    /// A longer text is truncated in the middle, with the number of omitted bytes at that place.
    /// This happens where a block raises the error, before it is sent, and where it arrives.
    pub max_error_text: usize,

    /// The number of calls that may wait at once for peers that are not connected. It is counted
    /// over all blocks that one peer has this one run. Default: 1,024.
    ///
    /// A further call is refused as [`Refusal::TooManyWaiting`](crate::Refusal::TooManyWaiting).
    /// Blocks that this peer has itself run share one such number. Calls that are made outside of
    /// a block are not counted.
    pub max_waiting_calls: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            default_deadline: Duration::from_secs(10),
            max_message: 16 << 20,
            max_decode_memory: crate::wire::codec::SPARE,
            max_calls_in_flight: 1 << 16,
            max_calls_served: 1 << 16,
            max_detached: 4096,
            max_held_bytes: 512 << 20,
            max_held_bytes_per_address: 256 << 20,
            max_held_bytes_per_session: 128 << 20,
            max_hops: 64,
            max_queued_bytes: 4 << 20,
            max_queued_result_bytes: 64 << 20,
            resend_buffer: 4 << 20,
            send_window: 256 << 10,
            max_channels: 1024,
            channel_window: 256 << 10,
            resume_window: Duration::from_secs(30),
            reconnect_delay: Duration::from_millis(100),
            idle_timeout: Duration::from_secs(30),
            write_timeout: Duration::from_secs(10),
            min_write_rate: 4096,
            max_sessions: 10_000,
            max_sessions_per_address: 256,
            max_handshakes_per_second: 1000,
            max_calls_per_second: 5_000_000,
            handshake_timeout: Duration::from_secs(5),
            max_error_text: crate::util::shown::LONGEST,
            max_waiting_calls: 1024,
        }
    }
}

/// Writes the methods `with_..` of [`Limits`]. A field that is not in the list is a compile error.
macro_rules! setters {
    ($($method:ident: $field:ident: $kind:ty,)*) => {
        impl Limits {
            $(
                #[doc = concat!("Sets [`", stringify!($field), "`](Self::", stringify!($field), ").")]
                #[must_use]
                pub const fn $method(mut self, $field: $kind) -> Self {
                    self.$field = $field;
                    self
                }
            )*
        }

        const _: fn(Limits) = |Limits { $($field: _),* }| ();
    };
}

setters! {
    with_default_deadline: default_deadline: Duration,
    with_max_message: max_message: usize,
    with_max_decode_memory: max_decode_memory: usize,
    with_max_calls_in_flight: max_calls_in_flight: usize,
    with_max_calls_served: max_calls_served: usize,
    with_max_detached: max_detached: usize,
    with_max_held_bytes: max_held_bytes: usize,
    with_max_held_bytes_per_address: max_held_bytes_per_address: usize,
    with_max_held_bytes_per_session: max_held_bytes_per_session: usize,
    with_max_hops: max_hops: u8,
    with_max_queued_bytes: max_queued_bytes: usize,
    with_max_queued_result_bytes: max_queued_result_bytes: usize,
    with_resend_buffer: resend_buffer: usize,
    with_send_window: send_window: usize,
    with_max_channels: max_channels: usize,
    with_channel_window: channel_window: u32,
    with_resume_window: resume_window: Duration,
    with_reconnect_delay: reconnect_delay: Duration,
    with_idle_timeout: idle_timeout: Duration,
    with_write_timeout: write_timeout: Duration,
    with_min_write_rate: min_write_rate: u32,
    with_max_sessions: max_sessions: usize,
    with_max_sessions_per_address: max_sessions_per_address: usize,
    with_max_handshakes_per_second: max_handshakes_per_second: u32,
    with_max_calls_per_second: max_calls_per_second: u32,
    with_handshake_timeout: handshake_timeout: Duration,
    with_max_error_text: max_error_text: usize,
    with_max_waiting_calls: max_waiting_calls: usize,
}
