//! Notices connections that all last equally long: a proxy on the way closes what is quiet for less time than peers are.

use std::time::Duration;

use super::{Link, Platform};

/// So many connections one after the other are no coincidence.
const ALIKE: u32 = 3;

/// Shorter ones end for other reasons: a server that hangs up, say.
const SHORTEST: Duration = Duration::from_secs(1);

/// How long the connections of one session lasted.
#[derive(Debug, Default)]
pub(super) struct RegularCuts {
    last: Duration,
    alike: u32,
}

impl RegularCuts {
    /// The session has lost another connection, which lasted this long.
    pub(super) fn note<P: Platform>(&mut self, link: &Link<P>, lasted: Duration) {
        let (remote, silence) = (link.remote(), link.shared().limits().silence);
        if let Some(every) = self.lost_after(lasted, silence) {
            tracing::warn!(
                %remote, ?every, ?silence,
                "connection lost at regular intervals: if a proxy is in between, set its idle limit to more than half of `Limits::silence`, \
                 or lower `Limits::silence` at both ends"
            );
        }
    }

    /// Another one was lost after this time. Gives it once when several were lost after the same time, which is within the span of silence:
    /// peers say something more often than that.
    fn lost_after(&mut self, lasted: Duration, silence: Duration) -> Option<Duration> {
        let is_alike = lasted.abs_diff(self.last) <= (lasted / 10).max(Duration::from_millis(200));
        self.alike = if is_alike { self.alike.saturating_add(1) } else { 1 };
        self.last = lasted;
        let is_idle = (SHORTEST..=silence).contains(&lasted);
        (is_idle && self.alike == ALIKE).then_some(lasted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(seconds: &[f64]) -> Vec<bool> {
        let (mut cuts, silence) = (RegularCuts::default(), Duration::from_secs(30));
        let lost = |&lasted: &f64| cuts.lost_after(Duration::from_secs_f64(lasted), silence).is_some();
        seconds.iter().map(lost).collect()
    }

    #[test]
    fn regular_cuts_are_told_once() {
        assert_eq!(told(&[10.1, 10.3, 9.9, 10.2, 10.0]), [false, false, true, false, false]);
        assert_eq!(told(&[10.0, 10.0, 3.0, 10.0, 10.0, 10.4]), [false, false, false, false, false, true]);
    }

    /// Long ones end with their tokens, very short ones with servers that hang up, others by chance.
    #[test]
    fn other_cuts_are_not() {
        for seconds in [[60.0; 4], [0.1; 4], [4.0, 8.0, 12.0, 5.0]] {
            assert_eq!(told(&seconds), [false; 4], "{seconds:?}");
        }
    }
}
