//! Bytes in bulk from a page: a `Blob`, which a chosen file is, as a stream of items.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::Stream;
use js_sys::Uint8Array;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;
use web_sys::Blob;

use crate::address;

/// The size of a full item, in bytes: that of programs.
const ITEM: usize = 60 << 10;

/// The part of a blob that is read at once. A read takes about a millisecond, whatever its size.
const PART: f64 = (16 * ITEM) as f64;

/// Makes a stream of [`Bytes`] of a `Blob`: a file that a user has chosen or dropped, or what a
/// canvas or a recorder has produced.
///
/// With [`try_streamed`](distributed_scope_core::try_streamed) it is an upload. The server reads it
/// with `into_async_read`. The page holds about 1 MB of it at a time, whatever its size.
///
/// ```ignore
/// let file: web_sys::File = input.files()?.get(0)?; // of an `<input type="file">`
/// let size = peer.run(async { store(server, try_streamed(from_blob(&file))).await }).await?;
/// ```
///
/// # Errors
///
/// If a part cannot be read, for example because the file was changed or removed meanwhile. Nothing
/// comes after an error.
#[must_use]
pub fn from_blob(blob: &Blob) -> BlobStream {
    BlobStream { blob: blob.clone(), at: 0.0, reading: None, part: Bytes::new() }
}

/// The stream of [`from_blob`].
pub struct BlobStream {
    blob: Blob,
    /// The beginning of the next part. A number of JavaScript, exact up to 2^53.
    at: f64,
    reading: Option<JsFuture>,
    /// What is left of the last part.
    part: Bytes,
}

/// Why a part of a `Blob` cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read bytes {from} to {to} of the blob: {reason}")]
pub struct BlobError {
    from: f64,
    to: f64,
    /// The message of the browser.
    reason: String,
}

impl BlobStream {
    fn end_of_part(&self) -> f64 {
        (self.at + PART).min(self.blob.size())
    }

    /// Nothing comes after this.
    fn failed(&mut self, error: &JsValue) -> BlobError {
        let error = BlobError { from: self.at, to: self.end_of_part(), reason: address::text(error) };
        self.at = self.blob.size();
        error
    }
}

impl Stream for BlobStream {
    type Item = Result<Bytes, BlobError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if !self.part.is_empty() {
                let count = self.part.len().min(ITEM);
                return Poll::Ready(Some(Ok(self.part.split_to(count))));
            }
            if let Some(reading) = &mut self.reading {
                let read = ready!(Pin::new(reading).poll(cx));
                self.reading = None;
                match read {
                    Ok(buffer) => {
                        self.part = Uint8Array::new(&buffer).to_vec().into();
                        self.at = self.end_of_part();
                    }
                    Err(error) => return Poll::Ready(Some(Err(self.failed(&error)))),
                }
            } else if self.at < self.blob.size() {
                match self.blob.slice_with_f64_and_f64(self.at, self.end_of_part()) {
                    Ok(part) => self.reading = Some(JsFuture::from(part.array_buffer())),
                    Err(error) => return Poll::Ready(Some(Err(self.failed(&error)))),
                }
            } else {
                return Poll::Ready(None);
            }
        }
    }
}

impl fmt::Debug for BlobStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlobStream").field("at", &self.at).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use futures_util::StreamExt;
    use js_sys::Array;
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    fn blob(bytes: &[u8]) -> Blob {
        Blob::new_with_u8_array_sequence(&Array::of1(&Uint8Array::from(bytes))).unwrap()
    }

    #[wasm_bindgen_test]
    async fn all_bytes_of_a_blob_come_in_order() {
        for size in [0, 1, ITEM, ITEM + 1, 16 * ITEM, 40 * ITEM + 5] {
            let bytes: Vec<u8> = (0..size).map(|n| (n % 251) as u8).collect();
            let items: Vec<Bytes> = from_blob(&blob(&bytes)).map(Result::unwrap).collect().await;
            assert!(items.concat() == bytes, "{size}");
            assert_eq!(items.len(), size.div_ceil(ITEM));
        }
    }
}
