//! The guard accepts frames within the limit, split at any position, and no others.

use proptest::prelude::*;

use super::*;

const TEXT: u8 = 0x81;
const BINARY: u8 = 0x82;
const PING: u8 = 0x89;

/// The encoding of a length: the shortest one, or a longer one.
#[derive(Clone, Copy, Debug)]
enum Form {
    Shortest,
    Bits16,
    Bits64,
}

fn header(first: u8, length: u64, form: Form, is_masked: bool) -> Vec<u8> {
    let mask = if is_masked { 0x80 } else { 0 };
    let mut header = vec![first];
    match (form, length) {
        (Form::Shortest, 0..=125) => header.push(mask | length as u8),
        (Form::Shortest | Form::Bits16, 0..=0xFFFF) => {
            header.push(mask | 126);
            header.extend((length as u16).to_be_bytes());
        }
        _ => {
            header.push(mask | 127);
            header.extend(length.to_be_bytes());
        }
    }
    header.extend(&[0xFF; 4][..if is_masked { 4 } else { 0 }]);
    header
}

/// A frame whose payload would be the worst header, if it were parsed as one.
fn frame(first: u8, length: u64, form: Form, is_masked: bool) -> Vec<u8> {
    let mut frame = header(first, length, form, is_masked);
    frame.resize(frame.len() + length as usize, 0xFF);
    frame
}

#[test]
fn a_frame_of_the_limit_passes_and_one_byte_more_does_not() {
    for limit in [0u64, 1, 125, 126, 127, 0xFFFF, 0x1_0000, 16 << 20] {
        for is_masked in [false, true] {
            let largest = header(BINARY, limit, Form::Shortest, is_masked);
            assert_eq!(FrameGuard::new(limit as usize).inspect(&largest), Ok(()));
            let larger = header(BINARY, limit + 1, Form::Shortest, is_masked);
            let oversize = Oversize { announced: limit + 1, limit };
            assert_eq!(FrameGuard::new(limit as usize).inspect(&larger), Err(oversize));
        }
    }
}

#[test]
fn a_frame_that_is_too_large_is_told_at_the_last_byte_of_its_length() {
    for announced in [101, 126, 0xFFFF, 0x1_0000, 1 << 30, 1 << 63, u64::MAX] {
        let header = header(BINARY, announced, Form::Shortest, false);
        let mut guard = FrameGuard::new(100);
        let (last, before) = header.split_last().unwrap();
        for byte in before {
            assert_eq!(guard.inspect(&[*byte]), Ok(()));
        }
        assert_eq!(guard.inspect(&[*last]), Err(Oversize { announced, limit: 100 }));
        assert_eq!(guard.inspect(&[]), Err(Oversize { announced, limit: 100 }), "and it stays so");
    }
}

fn frames() -> impl Strategy<Value = Vec<(u8, u64, Form, bool)>> {
    let first = prop_oneof![Just(TEXT), Just(BINARY), Just(PING), Just(0x00), Just(0x88), Just(0x8A)];
    let length = prop_oneof![8 => 0u64..300, 1 => 0u64..2000, 1 => 0u64..100_000];
    let form = prop_oneof![Just(Form::Shortest), Just(Form::Bits16), Just(Form::Bits64)];
    proptest::collection::vec((first, length, form, any::<bool>()), 0..12)
}

proptest! {
    #[test]
    fn frames_cut_anywhere_pass_exactly_when_each_is_within_its_limit(
        frames in frames(),
        limit in 0usize..2000,
        cuts in proptest::collection::vec(1usize..400, 1..40),
    ) {
        let limit_64 = limit as u64;
        let first_too_large = frames.iter().find_map(|&(_, announced, ..)| {
            (announced > limit_64).then_some(Oversize { announced, limit: limit_64 })
        });
        let expected = first_too_large.map_or(Ok(()), Err);
        let bytes: Vec<u8> = frames.iter().flat_map(|&(first, length, form, is_masked)| {
            frame(first, length, form, is_masked)
        }).collect();
        prop_assert_eq!(FrameGuard::new(limit).inspect(&bytes), expected, "at once");

        let mut guard = FrameGuard::new(limit);
        let mut rest = bytes.as_slice();
        let mut cut = Ok(());
        for length in cuts.iter().cycle() {
            let (slice, after) = rest.split_at((*length).min(rest.len()));
            cut = guard.inspect(slice);
            rest = after;
            if cut.is_err() || rest.is_empty() {
                break;
            }
        }
        prop_assert_eq!(cut, expected, "in slices");
    }

    #[test]
    fn arbitrary_bytes_are_taken_alike_at_once_and_one_by_one(
        bytes in proptest::collection::vec(any::<u8>(), 0..500),
        limit in 0usize..70_000,
    ) {
        let mut guard = FrameGuard::new(limit);
        let one_by_one = bytes.iter().try_for_each(|byte| guard.inspect(&[*byte]));
        prop_assert_eq!(FrameGuard::new(limit).inspect(&bytes), one_by_one);
    }
}
