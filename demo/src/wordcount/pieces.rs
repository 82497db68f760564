//! Text, cut into pieces between words.

use std::path::PathBuf;
use std::thread;

use tokio::sync::mpsc;

use super::corpus;
use super::count::is_in_word;

/// The intended size of a piece, in bytes. It is large enough that sending a piece costs little
/// compared with counting it.
const SIZE: usize = 128 << 10;

/// How many pieces are read ahead.
const READ_AHEAD: usize = 16;

/// Some text that a worker counts at once.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) text: String,
}

/// Reads the files in a thread of its own, only as far ahead as the pieces are taken.
pub(super) fn read(files: Vec<PathBuf>) -> mpsc::Receiver<anyhow::Result<Piece>> {
    let (sender, receiver) = mpsc::channel(READ_AHEAD);
    thread::spawn(move || {
        let mut packer = Packer::new(SIZE);
        for file in files {
            match corpus::read(&file) {
                Ok(text) => {
                    for piece in packer.add(&text) {
                        if sender.blocking_send(Ok(piece)).is_err() {
                            return;
                        }
                    }
                }
                Err(error) => return drop(sender.blocking_send(Err(error))),
            }
        }
        if let Some(piece) = packer.finish() {
            // The receiver of the pieces may be gone.
            let _ = sender.blocking_send(Ok(piece));
        }
    });
    receiver
}

/// Makes pieces of about one size out of texts of any size.
struct Packer {
    size: usize,
    open: String,
}

impl Packer {
    fn new(size: usize) -> Self {
        Self { size, open: String::new() }
    }

    /// The pieces that are full once this text is added.
    fn add(&mut self, text: &str) -> Vec<Piece> {
        let mut full = Vec::new();
        for part in cut(text, self.size) {
            if !self.open.is_empty() && self.open.len() + part.len() > self.size {
                full.extend(self.finish());
            }
            self.open.push_str(part);
        }
        // The next text begins with a word of its own.
        self.open.push('\n');
        full
    }

    fn finish(&mut self) -> Option<Piece> {
        let text = std::mem::take(&mut self.open);
        (!text.is_empty()).then_some(Piece { text })
    }
}

/// Cuts a text into parts of `size` bytes or a little more: each ends where a word does.
pub(super) fn cut(text: &str, size: usize) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let at = rest
            .char_indices()
            .find(|(index, character)| *index >= size && !is_in_word(*character))
            .map_or(rest.len(), |(index, _)| index);
        let part;
        (part, rest) = rest.split_at(at);
        Some(part)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str, size: usize) -> Vec<&str> {
        cut(text, size).collect()
    }

    #[test]
    fn a_text_is_cut_between_words_and_nothing_is_lost() {
        assert_eq!(parts("one two three", 4), ["one two", " three"]);
        assert_eq!(parts("one two three", 3), ["one", " two", " three"]);
        assert_eq!(parts("", 3), [""; 0]);
    }

    #[test]
    fn a_word_longer_than_a_piece_stays_whole() {
        assert_eq!(parts("incomprehensibilities a", 3), ["incomprehensibilities", " a"]);
    }

    #[test]
    fn a_cut_never_falls_inside_a_character() {
        for size in 1..12 {
            assert_eq!(parts("čáp — žába ∞ ☃☃☃", size).concat(), "čáp — žába ∞ ☃☃☃");
        }
    }

    #[test]
    fn small_texts_share_a_piece_without_growing_together() {
        let mut packer = Packer::new(8);
        assert_eq!(packer.add("one"), []);
        assert_eq!(packer.add("two"), []);
        let full = packer.add("three");
        assert_eq!(full, [Piece { text: "one\ntwo\n".to_owned() }]);
        assert_eq!(packer.finish(), Some(Piece { text: "three\n".to_owned() }));
        assert_eq!(packer.finish(), None);
    }
}
