//! The dummies of which values are made. Most types take the first one; others want a number that
//! is not zero, a text that is an address, or so many bytes.

pub(super) const NUMBERS: [u8; 3] = [0, 1, 2];

pub(super) const CHARS: [char; 2] = ['a', '0'];

pub(super) const TEXTS: [&str; 14] = [
    "",
    "a",
    "1",
    "00000000-0000-0000-0000-000000000000",
    "1970-01-01T00:00:00Z",
    "1970-01-01T00:00:00",
    "1970-01-01",
    "00:00:00",
    "127.0.0.1",
    "127.0.0.1:1",
    "0.0.0",
    "http://a.example/",
    "a@a.example",
    "UTC",
];

const ZEROS: [u8; 64] = [0; 64];

/// How many lengths of [`bytes`] there are.
pub(super) const LENGTHS: [usize; 11] = [0, 16, 32, 4, 8, 12, 20, 24, 48, 64, 1];

pub(super) fn bytes(choice: usize) -> &'static [u8] {
    &ZEROS[..LENGTHS[choice]]
}
