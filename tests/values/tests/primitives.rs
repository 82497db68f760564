//! Numbers, characters and the wrappers of std around them.

#![allow(clippy::unwrap_used, reason = "in a test, to panic is to fail")]

use std::cell::{Cell, RefCell};
use std::cmp::Reverse;
use std::marker::PhantomData;
use std::num::{
    NonZeroI8, NonZeroI16, NonZeroI32, NonZeroI64, NonZeroI128, NonZeroIsize, NonZeroU8, NonZeroU16,
    NonZeroU32, NonZeroU64, NonZeroU128, NonZeroUsize, Saturating, Wrapping,
};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU8};
use std::sync::{Mutex, RwLock};

use distributed_scope::{PeerId, RemoteError, distributed, remote};

#[macro_use]
mod cases;
mod support;

type SignedNonZero = (NonZeroI8, NonZeroI16, NonZeroI32, NonZeroI64, NonZeroI128, NonZeroIsize);
type UnsignedNonZero = (NonZeroU8, NonZeroU16, NonZeroU32, NonZeroU64, NonZeroU128, NonZeroUsize);

cases! {
    bool_values: bool = Bincode [false, true];
    i8_values: i8 = Bincode [i8::MIN, -1, 0, i8::MAX];
    i16_values: i16 = Bincode [i16::MIN, -1, 0, i16::MAX];
    i32_values: i32 = Bincode [i32::MIN, -1, 0, i32::MAX];
    i64_values: i64 = Bincode [i64::MIN, -1, 0, i64::MAX];
    i128_values: i128 = Bincode [i128::MIN, -1, 0, i128::MAX];
    isize_values: isize = Bincode [isize::MIN, -1, 0, isize::MAX];
    u8_values: u8 = Bincode [0, 250, 251, u8::MAX];
    u16_values: u16 = Bincode [0, 250, 251, u16::MAX];
    u32_values: u32 = Bincode [0, 65_535, 65_536, u32::MAX];
    u64_values: u64 = Bincode [0, 1 << 32, u64::MAX];
    u128_values: u128 = Bincode [0, 1 << 64, u128::MAX];
    usize_values: usize = Bincode [0, usize::MAX];
    f32_values: f32 = Bincode [-0.0, 0.1, f32::MAX, f32::INFINITY, f32::NEG_INFINITY, f32::NAN];
    f64_values: f64 = Bincode [-0.0, 0.1, f64::MIN_POSITIVE, f64::INFINITY, f64::NEG_INFINITY, f64::NAN];
    char_values: char = Bincode ['a', '\0', '\u{d7ff}', '\u{10ffff}'];
    unit: () = Bincode [()];
    non_zero_signed: SignedNonZero = Bincode [
        (NonZeroI8::MIN, NonZeroI16::MIN, NonZeroI32::MIN, NonZeroI64::MIN, NonZeroI128::MIN, NonZeroIsize::MIN),
        (NonZeroI8::MAX, NonZeroI16::MAX, NonZeroI32::MAX, NonZeroI64::MAX, NonZeroI128::MAX, NonZeroIsize::MAX),
    ];
    non_zero_unsigned: UnsignedNonZero = Bincode [
        (NonZeroU8::MIN, NonZeroU16::MIN, NonZeroU32::MIN, NonZeroU64::MIN, NonZeroU128::MIN, NonZeroUsize::MIN),
        (NonZeroU8::MAX, NonZeroU16::MAX, NonZeroU32::MAX, NonZeroU64::MAX, NonZeroU128::MAX, NonZeroUsize::MAX),
    ];
    wrapping: (Wrapping<u8>, Saturating<i16>) = Bincode [(Wrapping(255), Saturating(-1))];
    reverse: Reverse<i8> = Bincode [Reverse(-1)];
    cells: (Cell<u8>, RefCell<String>) = Bincode [(Cell::new(1), RefCell::new("a".into()))];
    locks: (Mutex<u8>, RwLock<String>) = Bincode [(Mutex::new(1), RwLock::new("a".into()))];
    atomics: (AtomicBool, AtomicU8, AtomicI64) = Bincode [(true.into(), 255.into(), i64::MIN.into())];
    phantom_data: PhantomData<u8> = Bincode [PhantomData];
}

type Bits = (u64, u32, Vec<u64>);

#[distributed]
async fn floats(to: PeerId, many: Vec<f64>, one: f64, small: f32) -> Result<(Bits, Vec<f64>), RemoteError> {
    remote!(to, [many, one, small], {
        let bits = (one.to_bits(), small.to_bits(), many.iter().copied().map(f64::to_bits).collect());
        (bits, many)
    })
    .await
}

/// A value of floats that CBOR carries.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
struct Named {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    one: Option<f64>,
    small: f32,
    many: Vec<f64>,
}

#[distributed]
async fn named_floats(to: PeerId, value: Named) -> Result<(Bits, Named), RemoteError> {
    remote!(to, [value], {
        let one = value.one.map(f64::to_bits).unwrap_or_default();
        ((one, value.small.to_bits(), value.many.iter().copied().map(f64::to_bits).collect()), value)
    })
    .await
}

/// A signalling NaN, a quiet one with a payload, a negative one, and a subnormal number.
const BITS: [u64; 4] = [0x7ff0_0000_0000_0001, 0x7ff8_dead_beef_0001, 0xffff_ffff_ffff_ffff, 1];
const SMALL_BITS: [u32; 4] = [0x7f80_0001, 0x7fc0_beef, 0xffff_ffff, 1];

/// Every bit of a float arrives, also those of a NaN, which `==` and `Debug` do not show.
#[actix_web::test]
async fn nan_arrives_bit_for_bit() {
    let (server, client) = support::two_peers().await;
    let many: Vec<_> = BITS.into_iter().map(f64::from_bits).collect();
    for (bits, small_bits) in BITS.into_iter().zip(SMALL_BITS) {
        let expected = (bits, small_bits, BITS.to_vec());
        let (one, small) = (f64::from_bits(bits), f32::from_bits(small_bits));
        let (seen, back) = client.run(floats(server.id(), many.clone(), one, small)).await.unwrap();
        assert_eq!(seen, expected);
        assert_eq!(back.into_iter().map(f64::to_bits).collect::<Vec<_>>(), BITS);
        let named = Named { one: Some(one), small, many: many.clone() };
        let (seen, back) = client.run(named_floats(server.id(), named)).await.unwrap();
        assert_eq!(seen, expected);
        assert_eq!(back.one.map(f64::to_bits), Some(bits));
        assert_eq!(back.small.to_bits(), small_bits);
        assert_eq!(back.many.into_iter().map(f64::to_bits).collect::<Vec<_>>(), BITS);
    }
}
