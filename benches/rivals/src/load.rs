//! The requests that each contender carries, and the answers that it must give.

use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};

/// The small argument and result: 32 bytes where numbers have a fixed size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Numbers {
    pub a: u64,
    pub b: u64,
    pub c: u64,
    pub d: u64,
}

impl Numbers {
    /// The argument of the call with this number. All 64 bits of `b` and `d` are used, so that an
    /// encoding with
    /// variable lengths gains nothing by them.
    pub fn nth(n: u64) -> Self {
        Self { a: n, b: !n, c: n << 7, d: n.wrapping_mul(0x9E37_79B9_7F4A_7C15) }
    }

    pub fn to_bytes(self) -> [u8; 32] {
        let mut bytes = [0; 32];
        for (place, number) in bytes.chunks_exact_mut(8).zip([self.a, self.b, self.c, self.d]) {
            place.copy_from_slice(&number.to_le_bytes());
        }
        bytes
    }

    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        ensure!(bytes.len() == 32, "{} bytes are not four numbers", bytes.len());
        let mut numbers = [0; 4];
        for (number, bytes) in numbers.iter_mut().zip(bytes.chunks_exact(8)) {
            *number = u64::from_le_bytes(bytes.try_into()?);
        }
        let [a, b, c, d] = numbers;
        Ok(Self { a, b, c, d })
    }
}

/// What the server does with a small argument.
pub fn served(numbers: Numbers) -> Numbers {
    Numbers { a: numbers.a.wrapping_add(1), ..numbers }
}

/// What the client does when it is called back.
pub fn called_back(numbers: Numbers) -> Numbers {
    Numbers { a: numbers.a.wrapping_add(10), ..numbers }
}

/// Bytes without a pattern.
pub fn blob(length: usize) -> Vec<u8> {
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    let mut byte = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    (0..length).map(|_| byte()).collect()
}

pub fn check(answer: Numbers, expected: Numbers) -> Result<()> {
    ensure!(answer == expected, "a wrong answer: {answer:?} instead of {expected:?}");
    Ok(())
}
