//! The guard of incoming frames accepts what a parser accepts that has all bytes at once, wherever
//! the bytes are cut.
#![no_main]

#[allow(unreachable_pub, dead_code, reason = "a module of the Actix peer, which it shares with nobody else")]
#[path = "../../actor-peer/src/connection/frame_guard.rs"]
mod frame_guard;

use arbitrary::Arbitrary;
use frame_guard::FrameGuard;
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    limit: u32,
    cuts: [u8; 4],
    bytes: &'a [u8],
}

/// The first frame that announces more than it may, with what it may.
fn first_oversize(mut bytes: &[u8], limit: u64) -> Option<(u64, u64)> {
    loop {
        let (announced, header) = match bytes {
            [_, second, a, b, ..] if second & 127 == 126 => (u16::from_be_bytes([*a, *b]).into(), 4),
            [_, second, length @ ..] if second & 127 == 127 => {
                (u64::from_be_bytes(*length.first_chunk()?), 10)
            }
            [_, second, ..] if second & 127 < 126 => ((second & 127).into(), 2),
            _ => return None,
        };
        if announced > limit {
            return Some((announced, limit));
        }
        let header = if bytes[1] & 128 != 0 { header + 4 } else { header };
        bytes = bytes.get(header..)?.get(usize::try_from(announced).ok()?..)?;
    }
}

fuzz_target!(|input: Input<'_>| {
    let Input { limit, cuts, bytes } = input;
    let expected = first_oversize(bytes, limit.into());
    let found =
        |result: Result<(), frame_guard::Oversize>| result.err().map(|over| (over.announced, over.limit));
    assert_eq!(found(FrameGuard::new(limit as usize).inspect(bytes)), expected, "at once");
    let mut guard = FrameGuard::new(limit as usize);
    let mut rest = bytes;
    for cut in cuts.into_iter().cycle() {
        let (slice, after) = rest.split_at((1 + usize::from(cut)).min(rest.len()));
        rest = after;
        let result = guard.inspect(slice);
        if result.is_err() || rest.is_empty() {
            assert_eq!(found(result), expected, "in slices");
            assert_eq!(found(guard.inspect(&[])), expected, "and it stays so");
            break;
        }
    }
});
