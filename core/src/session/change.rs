//! Changing the principal of a session. The dialler asks and the acceptor agrees. The dialler then
//! makes another connection, on which it shows its new credential. The acceptor takes that
//! connection although its principal differs, because the present principal has asked for the
//! change.

use super::{Session, Violation};
use crate::util::time::Moment;

/// The progress of the change on the present connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Change {
    #[default]
    None,
    /// We have to ask.
    Asking,
    /// We have asked.
    Asked,
    /// The other side has agreed.
    Agreed,
    /// The other side has asked, and our consent still has to be sent. The change is allowed until
    /// this moment.
    Agreeing(Moment),
    /// Our consent was sent. The change is allowed until this moment.
    Open(Moment),
}

impl<W> Session<W> {
    /// Asks the other side to let the session continue under another principal. Returns false if
    /// the other side is too old to support that.
    pub fn ask_to_change(&mut self) -> bool {
        if self.is_attached() && self.can_change {
            self.change = Change::Asking;
        }
        self.can_change
    }

    /// Whether the other side was asked, and has neither answered nor lost its connection.
    #[must_use]
    pub fn is_asked_to_change(&self) -> bool {
        self.is_attached() && matches!(self.change, Change::Asking | Change::Asked)
    }

    /// Whether the other side has agreed. The answer is valid for one connection.
    pub fn has_agreed(&mut self) -> bool {
        let has_agreed = self.is_attached() && self.change == Change::Agreed;
        self.change = Change::None;
        has_agreed
    }

    /// Whether the next connection may have another principal, because the present one has asked
    /// for that.
    #[must_use]
    pub fn may_change(&self, now: Moment) -> bool {
        matches!(self.change, Change::Agreeing(until) | Change::Open(until) if now < until)
    }

    /// The message about the change that has to be sent now, if there is one.
    pub(super) fn word_of_change(&mut self) -> Option<bool> {
        let (word, next) = match self.change {
            Change::Asking => (false, Change::Asked),
            Change::Agreeing(until) => (true, Change::Open(until)),
            _ => return None,
        };
        self.change = next;
        Some(word)
    }

    pub(super) fn has_word_of_change(&self) -> bool {
        matches!(self.change, Change::Asking | Change::Agreeing(_))
    }

    /// Takes the other side's message about the change.
    pub(super) fn heard_of_change(&mut self, now: Moment, agrees: bool) -> Result<(), Violation> {
        self.change = match (agrees, self.change) {
            (true, Change::Asked) => Change::Agreed,
            // Only the dialling side makes another connection.
            (false, _) if !self.is_dialled => Change::Agreeing(now + 2 * self.limits.handshake_timeout),
            _ => return Err(Violation::Unexpected("change")),
        };
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::identity::peer_id::PeerId;
    use crate::limits::Limits;
    use crate::wire::frame::{Frame, Framed};
    use crate::wire::handshake::introduction;

    fn at(millis: u64) -> Moment {
        Moment::after_origin(Duration::from_millis(millis))
    }

    /// The dialler's end of a session, and the acceptor's.
    fn ends() -> (Session<u64>, Session<u64>) {
        let limits = Limits::default();
        let them = introduction(PeerId::named("them"), &limits, 0);
        let dialler = Session::dialled(limits.clone(), &them, at(0));
        let acceptor = Session::accepted(limits, &them, at(0));
        (dialler, acceptor)
    }

    fn carry(from: &mut Session<u64>, to: &mut Session<u64>) {
        while let Some(frame) = from.next_frame(|| at(1)).map(Framed::into_bytes) {
            to.receive(at(1), frame).unwrap();
        }
    }

    #[test]
    fn agreement_is_for_one_connection() {
        let (mut dialler, mut acceptor) = ends();
        carry(&mut dialler, &mut acceptor);
        assert!(!acceptor.may_change(at(1)));
        assert!(dialler.ask_to_change() && dialler.is_asked_to_change());
        carry(&mut dialler, &mut acceptor);
        carry(&mut acceptor, &mut dialler);
        assert!(!dialler.is_asked_to_change() && dialler.has_agreed() && !dialler.has_agreed());
        assert!(acceptor.may_change(at(1)));
        assert!(!acceptor.may_change(at(1) + 2 * Limits::default().handshake_timeout));
        acceptor.attach(acceptor.outbox.acknowledged(), at(2)).unwrap();
        assert!(!acceptor.may_change(at(2)));
    }

    #[test]
    fn lost_connection_is_no_agreement() {
        let (mut dialler, mut acceptor) = ends();
        carry(&mut dialler, &mut acceptor);
        assert!(dialler.ask_to_change());
        carry(&mut dialler, &mut acceptor);
        dialler.detach(at(1));
        assert!(!dialler.is_asked_to_change() && !dialler.has_agreed());
    }

    #[test]
    fn change_out_of_place_ends_session() {
        let (mut dialler, mut acceptor) = ends();
        carry(&mut dialler, &mut acceptor);
        for agrees in [false, true] {
            assert!(dialler.receive(at(1), Frame::Change(agrees).encode()).is_err(), "{agrees}");
        }
        assert!(acceptor.receive(at(1), Frame::Change(true).encode()).is_err());
    }

    #[test]
    fn older_side_is_not_asked() {
        let limits = Limits::default();
        let mut them = introduction(PeerId::named("them"), &limits, 0);
        them.codecs.retain(|codec| *codec < crate::wire::frame::Introduction::FEATURES);
        let mut session = Session::<u64>::dialled(limits, &them, at(0));
        assert!(!session.ask_to_change() && !session.is_asked_to_change());
    }
}
