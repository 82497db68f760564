//! Texts of others as they are kept and shown: cut in the middle where they are too long, and on
//! one line, whatever they contain.
//!
//! The text of an error may come from another peer, and may repeat what that peer was given. It
//! ends up in logs, in terminals and on pages, so it must not fill them, and must not look like
//! other lines of them.

use std::fmt::{self, Write};

/// [`Limits::max_error_text`](crate::Limits::max_error_text) where nothing else is said.
pub(crate) const LONGEST: usize = 4096;

/// So much of the longest text is kept for the words that say how much is missing.
const WORDS: usize = 40;

/// Shortens a text that has more bytes than `longest`: its beginning and its end are kept, and
/// between them stands how many bytes are not.
pub(crate) fn cut(text: &mut String, longest: usize) {
    if text.len() > longest {
        let mut shorter = Cut::new(longest);
        // Nothing in it fails.
        let _ = shorter.write_str(text);
        *text = shorter.into_text();
    }
}

/// Takes a text of whatever length, and keeps no more of it than [`cut`] does.
#[derive(Debug)]
pub(crate) struct Cut {
    longest: usize,
    /// The whole, as long as it is not too long; then its beginning.
    head: String,
    tail: String,
    left_out: usize,
}

impl Cut {
    pub(crate) fn new(longest: usize) -> Self {
        Self { longest, head: String::new(), tail: String::new(), left_out: 0 }
    }

    /// How many bytes of the beginning, and of the end, are kept of a text that is too long.
    fn half(&self) -> usize {
        self.longest.saturating_sub(WORDS) / 2
    }

    fn is_cut(&self) -> bool {
        self.left_out > 0 || !self.tail.is_empty()
    }

    fn push_tail(&mut self, text: &str) {
        let half = self.half();
        let text = {
            let start = ceil_boundary(text, text.len().saturating_sub(half));
            self.left_out += start;
            &text[start..]
        };
        self.tail.push_str(text);
        // Now and then, so that each byte is moved once.
        if self.tail.len() > 4 * half {
            self.trim();
        }
    }

    fn trim(&mut self) {
        let start = ceil_boundary(&self.tail, self.tail.len().saturating_sub(self.half()));
        self.left_out += start;
        self.tail.drain(..start);
    }

    pub(crate) fn into_text(mut self) -> String {
        if !self.is_cut() {
            return self.head;
        }
        self.trim();
        let Self { head, tail, left_out, .. } = self;
        format!("{head} [{left_out} bytes left out] {tail}")
    }
}

/// The last boundary of a character at or before this byte: `str::floor_char_boundary`, which is
/// newer than the oldest compiler that we support.
pub(crate) fn floor_boundary(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

/// The first boundary of a character at or after this byte.
pub(crate) fn ceil_boundary(text: &str, at: usize) -> usize {
    (at..text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len())
}

impl Write for Cut {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.is_cut() {
            self.push_tail(text);
        } else if self.head.len() + text.len() <= self.longest {
            self.head.push_str(text);
        } else {
            let half = self.half();
            let room = floor_boundary(text, half.saturating_sub(self.head.len()));
            self.head.push_str(&text[..room]);
            let rest = self.head.split_off(floor_boundary(&self.head, half));
            self.push_tail(&rest);
            self.push_tail(&text[room..]);
        }
        Ok(())
    }
}

/// Shows a value on one line: what controls a terminal or ends a line is escaped, and so is what
/// turns the direction of a text.
pub(crate) struct OneLine<T>(pub(crate) T);

impl<T: fmt::Display> fmt::Display for OneLine<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        struct Escape<'a, 'b>(&'a mut fmt::Formatter<'b>);

        impl Write for Escape<'_, '_> {
            fn write_str(&mut self, text: &str) -> fmt::Result {
                let mut rest = text;
                while let Some((at, char)) = rest.char_indices().find(|(_, char)| is_control(*char)) {
                    write!(self.0, "{}{}", &rest[..at], char.escape_default())?;
                    rest = &rest[at + char.len_utf8()..];
                }
                self.0.write_str(rest)
            }
        }

        write!(Escape(f), "{}", self.0)
    }
}

fn is_control(char: char) -> bool {
    char.is_control() || matches!(char, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut_of(text: &str, longest: usize) -> String {
        let mut text = text.to_owned();
        cut(&mut text, longest);
        text
    }

    #[test]
    fn long_text_keeps_its_beginning_and_its_end() {
        assert_eq!(cut_of(&"a".repeat(100), 100), "a".repeat(100));
        let text = format!("beginning {} end", "é".repeat(10_000));
        let shorter = cut_of(&text, 100);
        assert!(shorter.len() <= 100 && shorter.starts_with("beginning é"), "{shorter}");
        assert!(shorter.ends_with("é end") && shorter.contains(" bytes left out] "), "{shorter}");
        assert_eq!(cut_of(&shorter, 100), shorter);
    }

    #[test]
    fn text_in_pieces_is_cut_like_one() {
        let text: String = (0..5000).map(|number| format!("{number} ü ")).collect();
        for (longest, size) in [(100, 1), (1000, 7), (4096, 4097), (0, 3), (41, 3), (100_000, 9)] {
            let mut pieces = Cut::new(longest);
            let mut rest = &text[..];
            while !rest.is_empty() {
                let (piece, others) = rest.split_at(rest.ceil_char_boundary(size));
                pieces.write_str(piece).unwrap();
                rest = others;
            }
            assert!(pieces.head.len() + pieces.tail.len() <= longest.max(3 * longest), "what it keeps");
            assert_eq!(pieces.into_text(), cut_of(&text, longest), "{longest} in pieces of {size}");
        }
    }

    #[test]
    fn what_controls_a_terminal_is_escaped() {
        let text = OneLine("a\r\n\u{1b}[31mb\u{202e}c\u{2028}é\u{7f}").to_string();
        assert_eq!(text, "a\\r\\n\\u{1b}[31mb\\u{202e}c\\u{2028}é\\u{7f}");
        assert_eq!(OneLine(&text).to_string(), text);
    }
}
