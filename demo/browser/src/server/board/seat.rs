//! A seat at the board. Its holder is shown what happens, and leaves by dropping it.

use std::sync::Arc;

use distributed_scope::PeerId;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, watch};

use super::{Board, SEATS};
use crate::board::{Event, Person, View};

/// What is sent to a browser next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// The list, with all changes since the last one that was sent.
    View(View),
    /// Events of hops.
    Events(Vec<Event>),
}

/// A browser's seat.
#[derive(Debug)]
pub struct Seat {
    board: Arc<Board>,
    person: Person,
    view: watch::Receiver<View>,
    events: broadcast::Receiver<Event>,
}

impl Board {
    /// Gives a browser a seat, and its owner a name.
    ///
    /// # Errors
    ///
    /// If all seats are taken.
    pub fn take_seat(self: &Arc<Self>, browser: PeerId) -> Result<Seat, String> {
        let (mut view, events) = (self.view.subscribe(), self.events.subscribe());
        // The list as it is now is the first news.
        view.mark_changed();
        let mut person = None;
        self.change(|view| {
            if view.people.len() >= SEATS {
                return Err(format!("all {SEATS} seats are taken: close the page in another tab first"));
            }
            let newcomer = newcomer(browser, &view.people);
            view.news = format!("{} is here", newcomer.name);
            view.people.push(newcomer.clone());
            person = Some(newcomer);
            Ok(())
        })?;
        let person = person.ok_or("there is no seat")?;
        Ok(Seat { board: Arc::clone(self), person, view, events })
    }
}

impl Seat {
    /// Waits for something new. `None` if the board was dropped.
    pub async fn news(&mut self) -> Option<News> {
        loop {
            tokio::select! {
                biased;
                changed = self.view.changed() => {
                    changed.ok()?;
                    return Some(News::View(self.view.borrow_and_update().clone()));
                }
                event = self.events.recv() => match event {
                    Ok(event) => return Some(News::Events(self.with_more(event))),
                    // What it missed would be of no interest now.
                    Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return None,
                },
            }
        }
    }

    /// With all others that wait.
    fn with_more(&mut self, event: Event) -> Vec<Event> {
        let mut events = vec![event];
        while let Ok(event) = self.events.try_recv() {
            events.push(event);
        }
        events
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.board.view.send_modify(|view| {
            // By name: the browser may have come back and have another seat already.
            view.people.retain(|person| *person != self.person);
            view.news = format!("{} has left", self.person.name);
        });
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
