//! FNV-1a with 64 bits, because it can be computed while the user's crate compiles and is the same
//! on every machine.
//!
//! An id or a fingerprint need not resist an attacker: it names what a peer has exposed, it does
//! not grant anything, and two equal ids are refused at start.

/// A hash that grows word by word.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fnv(u64);

impl Fnv {
    pub(crate) const fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    pub(crate) const fn bytes(mut self, bytes: &[u8]) -> Self {
        let mut index = 0;
        while index < bytes.len() {
            self.0 = (self.0 ^ bytes[index] as u64).wrapping_mul(0x0100_0000_01b3);
            index += 1;
        }
        self
    }

    /// A word, and a byte that no text contains, so that `ab` and `a`, `b` differ.
    pub(crate) const fn word(self, word: &str) -> Self {
        self.bytes(word.as_bytes()).bytes(&[0xff])
    }

    pub(crate) const fn number(self, number: u64) -> Self {
        self.bytes(&number.to_le_bytes())
    }

    pub(crate) const fn get(self) -> u64 {
        self.0
    }
}
