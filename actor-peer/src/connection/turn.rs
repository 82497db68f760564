//! Limits how much input a connection handles before its output is sent and other tasks of the
//! thread run.
//!
//! Turns that follow each other because input was left have one share of the thread together. When
//! it is used, the connection [queues](super::queue) before it handles more.

use std::time::Duration;

use distributed_scope_core::Moment;

use super::pace::Pace;

/// The maximum number of messages.
const MESSAGES: usize = 256;

/// The maximum duration, plus one message: a block that occupies its thread must not delay the
/// answers of others as well.
const SPAN: Duration = Duration::from_micros(500);

/// The same for a connection that has queued and still has input: others may be waiting.
const SPAN_WHEN_BUSY: Duration = Duration::from_micros(200);

/// The maximum number of bytes of a share, plus one message. Values of this size can take a
/// millisecond to decode.
const BYTES: usize = 48 << 10;

/// A connection that has used its share and then has no input for this long need not queue.
const IDLE: Duration = Duration::from_millis(50);

/// The clock is read after one message, two, four and so on, and then each time after this number
/// of messages, because reading the clock is not free compared to a short block.
const BETWEEN_LOOKS: usize = 16;

/// The consecutive turns of a connection.
#[derive(Debug, Default)]
pub(super) struct Turn {
    began: Option<Moment>,
    messages: usize,
    /// The number of messages handled since output is pending.
    answers: usize,
    is_over: bool,
    /// How long it took, when the clock was last read.
    took: Duration,
    pace: Pace,
    share: Share,
}

/// What was handled of a share.
#[derive(Debug)]
struct Share {
    messages: usize,
    bytes: usize,
    took: Duration,
    /// The maximum duration.
    span: Duration,
    is_used: bool,
    /// When it was used and no input was left.
    ended: Option<Moment>,
}

impl Share {
    fn of(span: Duration) -> Self {
        Self { messages: 0, bytes: 0, took: Duration::ZERO, span, is_used: false, ended: None }
    }
}

impl Default for Share {
    fn default() -> Self {
        Self::of(SPAN)
    }
}

/// What a turn has left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Left {
    Nothing,
    /// Input for the next turn.
    Input,
    /// Input, and the share is used.
    Queues,
}

impl Turn {
    /// A message is about to be handled.
    pub(super) fn begin(&mut self, now: impl FnOnce() -> Moment) {
        self.began.get_or_insert_with(now);
    }

    /// It had this many bytes, was handled, and may have been answered.
    pub(super) fn handled(&mut self, bytes: usize, has_output: bool) {
        self.messages += 1;
        self.answers += usize::from(has_output);
        self.share.messages += 1;
        self.share.bytes += bytes;
    }

    /// Whether the connection has to queue before it handles more.
    pub(super) fn has_to_queue(&mut self, now: impl FnOnce() -> Moment) -> bool {
        if self.share.ended.is_some_and(|ended| now().since(ended) > IDLE) {
            self.share = Share::default();
        }
        self.share.is_used
    }

    /// Something is left that is no input, and has to queue.
    pub(super) fn use_share(&mut self) {
        (self.is_over, self.share.is_used) = (true, true);
    }

    /// The connection has queued, and continues.
    pub(super) fn goes_on(&mut self) {
        self.share = Share::of(SPAN_WHEN_BUSY);
    }

    /// Whether the next message has to wait for the next turn.
    pub(super) fn is_over(&mut self, now: impl FnOnce() -> Moment) -> bool {
        let Some(began) = self.began else { return false };
        let is_looked_at = match self.messages {
            few @ ..BETWEEN_LOOKS => few.is_power_of_two(),
            many => many.is_multiple_of(BETWEEN_LOOKS),
        };
        let share = &mut self.share;
        share.is_used |= share.messages >= MESSAGES || share.bytes >= BYTES;
        if is_looked_at && !share.is_used {
            self.took = now().since(began);
            share.is_used = share.took + self.took >= share.span;
        }
        self.is_over = self.is_over || share.is_used || self.pace.is_enough(self.answers);
        self.is_over
    }

    /// Ends the turn.
    pub(super) fn end(&mut self, now: impl Fn() -> Moment) -> Left {
        self.pace.sent(self.answers, &now);
        (self.began, self.messages, self.answers) = (None, 0, 0);
        let (share, took) = (&mut self.share, std::mem::take(&mut self.took));
        share.is_used |= share.bytes >= BYTES;
        match (std::mem::take(&mut self.is_over), share.is_used) {
            (false, false) => {
                *share = Share::default();
                Left::Nothing
            }
            (false, true) => {
                share.ended = Some(now());
                Left::Nothing
            }
            (true, false) => {
                share.took += took;
                Left::Input
            }
            (true, true) => Left::Queues,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Handles messages of this many microseconds each until the turn is over. Returns their
    /// number, and how often the clock was read.
    fn handle(turn: &mut Turn, micros: u64) -> (usize, usize) {
        let (mut now, mut messages, mut asked) = (Moment::default(), 0, 0);
        loop {
            turn.begin(|| now);
            now = now + Duration::from_micros(micros);
            turn.handled(0, false);
            messages += 1;
            let is_over = turn.is_over(|| {
                asked += 1;
                now
            });
            if is_over {
                assert_eq!(turn.end(|| now), Left::Queues);
                assert!(turn.has_to_queue(|| now));
                turn.goes_on();
                assert!(!turn.has_to_queue(|| now));
                return (messages, asked);
            }
        }
    }

    /// Handles one message of this many bytes, and nothing is left.
    fn handle_all(turn: &mut Turn, bytes: usize, now: Moment) {
        turn.begin(|| now);
        turn.handled(bytes, true);
        assert_eq!(turn.end(|| now), Left::Nothing);
    }

    #[test]
    fn short_messages_are_handled_up_to_a_number_and_the_clock_is_seldom_asked() {
        let mut turn = Turn::default();
        for _ in 0..3 {
            assert_eq!(handle(&mut turn, 0), (MESSAGES, 4 + 15));
        }
    }

    #[test]
    fn a_turn_is_over_soon_after_it_has_lasted_too_long() {
        let first = |micros| handle(&mut Turn::default(), micros).0;
        assert_eq!([10_000, 300, 50, 10].map(first), [1, 2, 16, 64]);
    }

    #[test]
    fn busy_connection_has_shorter_turns() {
        let mut turn = Turn::default();
        handle(&mut turn, 10_000);
        assert_eq!([10_000, 300, 50, 10].map(|micros| handle(&mut turn, micros).0), [1, 1, 4, 32]);
        handle_all(&mut turn, 0, Moment::default());
        assert_eq!(handle(&mut turn, 300).0, 2, "it has caught up meanwhile");
    }

    /// Turns that end early, because their answers are sent, share what one long turn may take.
    #[test]
    fn turns_without_a_pause_are_counted_together() {
        let mut turn = Turn::default();
        let mut now = Moment::default();
        for number in 1.. {
            turn.begin(|| now);
            for _ in 0..4 {
                now = now + Duration::from_micros(30);
                turn.handled(0, true);
                assert!(!turn.is_over(|| now) || number == 5);
            }
            turn.is_over = true;
            match turn.end(|| now) {
                Left::Queues => return assert_eq!(number, 5, "of 120 us each"),
                left => assert_eq!(left, Left::Input),
            }
        }
    }

    #[test]
    fn large_messages_use_the_share_although_nothing_is_left() {
        let (mut turn, now) = (Turn::default(), Moment::default());
        for _ in 0..3 {
            handle_all(&mut turn, BYTES - 1, now);
            assert!(!turn.has_to_queue(|| now));
        }
        handle_all(&mut turn, BYTES, now);
        assert!(turn.has_to_queue(|| now + IDLE));
        assert!(!turn.has_to_queue(|| now + IDLE + Duration::from_millis(1)));
    }

    #[test]
    fn a_turn_that_handled_everything_leaves_nothing_for_the_next() {
        let mut turn = Turn::default();
        turn.begin(Moment::default);
        turn.handled(0, true);
        assert!(!turn.is_over(Moment::default));
        assert_eq!(turn.end(Moment::default), Left::Nothing);
        assert!(!turn.has_to_queue(Moment::default));
    }
}
