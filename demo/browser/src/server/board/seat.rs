//! A seat at the board. Its holder leaves by dropping it.

use std::sync::Arc;

use distributed_scope::PeerId;

use super::{Board, SEATS};
use crate::board::{Person, Step};

/// A browser's seat.
#[derive(Debug)]
pub struct Seat {
    board: Arc<Board>,
    person: Person,
}

impl Board {
    /// Gives a browser a seat, and its owner a name.
    ///
    /// # Errors
    ///
    /// If all seats are taken.
    pub fn take_seat(self: &Arc<Self>, browser: PeerId) -> Result<Seat, String> {
        let mut person = None;
        self.change(|view, _| {
            if view.people.len() >= SEATS {
                return Err(format!("all {SEATS} seats are taken: close the page in another tab first"));
            }
            let newcomer = person.insert(newcomer(browser, &view.people));
            Ok(Some((Step::Came(newcomer.clone()), format!("{} is here", newcomer.name))))
        })?;
        let person = person.ok_or("there is no seat")?;
        Ok(Seat { board: Arc::clone(self), person })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let left = (Step::Left(self.person.clone()), format!("{} has left", self.person.name));
        // The change is always possible.
        let _ = self.board.change(|_, _| Ok(Some(left)));
    }
}

/// A name that is not taken. Which one is tried first depends on the browser, so that it gets the
/// same one from a server that was restarted.
fn newcomer(browser: PeerId, people: &[Person]) -> Person {
    let colours = Person::COLOURS.len();
    let first = usize::from(browser.as_uuid().as_bytes()[0]) % colours;
    let mut choices = (1..).flat_map(|round| (0..colours).map(move |step| (round, (first + step) % colours)));
    let free = choices.find_map(|(round, colour)| {
        let name = match round {
            1 => Person::COLOURS[colour].to_owned(),
            _ => format!("{} {round}", Person::COLOURS[colour]),
        };
        people.iter().all(|person| person.name != name).then_some((name, colour))
    });
    let (name, colour) = free.expect("there is no last round");
    Person { peer: browser, name, colour: u8::try_from(colour).unwrap_or_default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_people_have_one_name_and_who_comes_back_has_the_same() {
        let board = Arc::new(Board::default());
        let browser = PeerId::random();
        let seats: Vec<_> = (0..SEATS).map(|_| board.take_seat(browser).unwrap()).collect();
        let mut names: Vec<_> = seats.iter().map(|seat| seat.person.name.clone()).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), SEATS);
        assert!(board.take_seat(browser).unwrap_err().contains("seats are taken"));
        let name = seats[0].person.name.clone();
        drop(seats);
        assert!(!board.is_here(browser));
        assert_eq!(board.take_seat(browser).unwrap().person.name, name);
    }
}
