//! Copies of many bytes.
//!
//! A C library may copy several KiB with one instruction (`rep movsb`) that takes fifteen times as
//! long on some processors if the destination lies less than 16 bytes behind the source, each
//! counted from the beginning of its page: on AMD's Zen 3 with glibc 2.36, 512 KiB took 150 µs and
//! not 10. A value that is copied from behind a header into a block beside its message lies so
//! whenever its size is a multiple of 4 KiB. Less is copied with other instructions, so here it is
//! done block by block then.

use std::ops::Deref;

use bytes::BufMut;

use crate::util::shown::floor_boundary;

const BLOCK: usize = 2 << 10;

/// Appends bytes to a buffer, which should have room for them.
#[inline]
pub fn append<B: BufMut + Deref<Target = [u8]>>(out: &mut B, bytes: &[u8]) {
    if bytes.len() > BLOCK && is_slow(bytes.as_ptr().addr(), out.as_ptr().addr() + out.len()) {
        bytes.chunks(BLOCK).for_each(|block| out.put_slice(block));
    } else {
        out.put_slice(bytes);
    }
}

/// Whether a copy of much between these addresses may be slow.
fn is_slow(from: usize, to: usize) -> bool {
    const PAGE: usize = 4 << 10;
    cfg!(target_arch = "x86_64") && (1..16).contains(&(to.wrapping_sub(from) % PAGE))
}

/// A copy of bytes.
#[inline]
pub(crate) fn copied(bytes: &[u8]) -> Vec<u8> {
    let mut copy = Vec::with_capacity(bytes.len());
    append(&mut copy, bytes);
    copy
}

/// A copy of a text.
#[inline]
pub(crate) fn copied_text(text: &str) -> String {
    if text.len() <= BLOCK { text.to_owned() } else { copied_long_text(text) }
}

fn copied_long_text(text: &str) -> String {
    let mut copy = String::with_capacity(text.len());
    if is_slow(text.as_ptr().addr(), copy.as_ptr().addr()) {
        let mut left = text;
        while !left.is_empty() {
            let (block, rest) = left.split_at(floor_boundary(left, BLOCK));
            copy.push_str(block);
            left = rest;
        }
    } else {
        copy.push_str(text);
    }
    copy
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Wherever it begins: among all these places are some from which a copy is slow.
    #[test]
    fn a_copy_is_the_same_from_wherever() {
        for len in [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 5 * BLOCK + 7] {
            let bytes: Vec<u8> = (0..len + 4096).map(|n| (n * 7) as u8).collect();
            for at in (0..64).chain((64..4096).step_by(5)) {
                let bytes = &bytes[at..at + len];
                assert_eq!(copied(bytes), bytes);
            }
        }
    }

    #[test]
    fn a_text_is_not_cut_within_a_letter() {
        for letter in ["a", "ä", "→", "🦀"] {
            let text = letter.repeat(2 * BLOCK);
            for at in (0..4096).filter(|&at| text.is_char_boundary(at)) {
                let text = &text[at..];
                assert_eq!(copied_text(text), text);
            }
        }
    }

    #[cfg(target_arch = "x86_64")]
    #[test]
    fn what_lies_a_little_behind_within_its_page_is_slow() {
        let slow: Vec<_> = (0..8192).filter(|to| is_slow(5, *to)).collect();
        let expected: Vec<_> = (6..21).chain(4102..4117).collect();
        assert_eq!(slow, expected);
        assert!(is_slow(4095, 4096) && !is_slow(4096, 4095));
    }
}
