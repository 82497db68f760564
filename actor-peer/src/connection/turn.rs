//! Limits how much input a connection handles before its output is sent and other tasks of the
//! thread run.

use std::time::Duration;

use distributed_scope_core::Moment;

use super::pace::Pace;

/// The maximum number of messages.
const MESSAGES: usize = 256;

/// The maximum duration, plus one message: a block that occupies its thread must not delay the
/// answers of others as well.
const SPAN: Duration = Duration::from_micros(500);

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
    pace: Pace,
}

impl Turn {
    /// A message is about to be handled.
    pub(super) fn begin(&mut self, now: impl FnOnce() -> Moment) {
        self.began.get_or_insert_with(now);
    }

    /// It was handled, and may have been answered.
    pub(super) fn handled(&mut self, has_output: bool) {
        self.messages += 1;
        self.answers += usize::from(has_output);
    }

    /// Whether the next message has to wait for the next turn.
    pub(super) fn is_over(&mut self, now: impl FnOnce() -> Moment) -> bool {
        let Some(began) = self.began else { return false };
        let is_looked_at = match self.messages {
            few @ ..BETWEEN_LOOKS => few.is_power_of_two(),
            many => many.is_multiple_of(BETWEEN_LOOKS),
        };
        self.is_over = self.is_over
            || self.messages >= MESSAGES
            || self.pace.is_enough(self.answers)
            || is_looked_at && now().since(began) >= SPAN;
        self.is_over
    }

    /// Ends the turn; returns true if input was left for the next one.
    pub(super) fn end(&mut self, now: impl FnOnce() -> Moment) -> bool {
        self.pace.sent(self.answers, now);
        (self.began, self.messages, self.answers) = (None, 0, 0);
        std::mem::take(&mut self.is_over)
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
            turn.handled(false);
            messages += 1;
            let is_over = turn.is_over(|| {
                asked += 1;
                now
            });
            if is_over {
                assert!(turn.end(|| now));
                return (messages, asked);
            }
        }
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
        let mut turn = Turn::default();
        assert_eq!(handle(&mut turn, 10_000).0, 1);
        assert_eq!(handle(&mut turn, 300).0, 2);
        assert_eq!(handle(&mut turn, 50).0, 16);
        assert_eq!(handle(&mut turn, 10).0, 64);
    }

    #[test]
    fn a_turn_that_handled_everything_leaves_nothing_for_the_next() {
        let mut turn = Turn::default();
        turn.begin(Moment::default);
        turn.handled(true);
        assert!(!turn.is_over(Moment::default));
        assert!(!turn.end(Moment::default));
    }
}
