//! Bytes decode to a frame or an error. A frame that is encoded and decoded again is unchanged.
#![no_main]

use bytes::Bytes;
use distributed_scope_core::frame::Frame;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(frame) = Frame::decode(Bytes::copy_from_slice(bytes)) {
        assert_eq!(Frame::decode(frame.encode()), Ok(frame));
    }
});
