//! The fields of frames, read from the front.

use bytes::{Buf, Bytes};

use super::FrameError;

#[cfg_attr(target_family = "wasm", inline(never))]
pub(super) fn take(bytes: &mut Bytes, count: usize) -> Result<Bytes, FrameError> {
    if bytes.len() < count {
        return Err(FrameError::Short);
    }
    Ok(bytes.split_to(count))
}

#[cfg_attr(target_family = "wasm", inline(never))]
pub(super) fn array<const N: usize>(bytes: &mut Bytes) -> Result<[u8; N], FrameError> {
    let mut array = [0; N];
    array.copy_from_slice(&take(bytes, N)?);
    Ok(array)
}

#[cfg_attr(target_family = "wasm", inline(never))]
pub(super) fn flag(bytes: &mut Bytes) -> Result<bool, FrameError> {
    match bytes.try_get_u8() {
        Ok(0) => Ok(false),
        Ok(1) => Ok(true),
        Ok(_) => Err(FrameError::Field),
        Err(_) => Err(FrameError::Short),
    }
}

#[cfg_attr(target_family = "wasm", inline(never))]
pub(super) fn u32_le(bytes: &mut Bytes) -> Result<u32, FrameError> {
    bytes.try_get_u32_le().map_err(|_| FrameError::Short)
}

#[cfg_attr(target_family = "wasm", inline(never))]
pub(super) fn u64_le(bytes: &mut Bytes) -> Result<u64, FrameError> {
    bytes.try_get_u64_le().map_err(|_| FrameError::Short)
}

#[cfg_attr(target_family = "wasm", inline(never))]
pub(super) fn end(bytes: &Bytes) -> Result<(), FrameError> {
    if bytes.is_empty() { Ok(()) } else { Err(FrameError::Trailing) }
}
