//! The body of an upgraded request behind a frame guard, for the WebSocket of actix-web-actors,
//! which does its own buffering.

use actix_http::error::PayloadError;
use actix_http::ws::ProtocolError;
use actix_web::{FromRequest, HttpRequest, dev, web};
use futures_util::future::ready;
use futures_util::{FutureExt, StreamExt};

use super::frame_guard::FrameGuard;

/// Puts a guard in front of the body of a request, before a WebSocket codec with the limit
/// `message` reads it.
///
/// A larger frame ends the body with [`PayloadError::Overflow`]. A lost connection just ends it:
/// the WebSocket behind it returns an error of the body before the frames that it has read
/// already, and the goodbye of a program that ends is the last of these.
pub(super) fn guarded_payload(
    request: &HttpRequest,
    body: web::Payload,
    message: usize,
) -> actix_web::Result<web::Payload> {
    // The codec behind it is exact, and reports its own limit to the other side. The guard only
    // has to bound the buffer of the codec.
    let mut guard = FrameGuard::new(message.saturating_add(64));
    let guarded = body.map(move |bytes| {
        let bytes = bytes?;
        match guard.inspect(&bytes) {
            Ok(()) => Ok(bytes),
            Err(oversize) => {
                tracing::debug!(%oversize, "connection ended: a WebSocket frame exceeds the limit");
                Err(PayloadError::Overflow)
            }
        }
    });
    let guarded = guarded.take_while(|bytes| ready(matches!(bytes, Ok(_) | Err(PayloadError::Overflow))));
    // The extractor is the only way to create a `web::Payload`, and completes at once.
    let mut payload = dev::Payload::Stream { payload: guarded.boxed_local() };
    web::Payload::from_request(request, &mut payload)
        .now_or_never()
        .unwrap_or_else(|| Err(actix_web::error::ErrorInternalServerError("the body is not available yet")))
}

/// The error of a WebSocket codec behind a guard. An error of the guard is reported as an
/// oversized frame and not as a lost connection.
pub(super) fn unwrap_oversize(error: ProtocolError) -> ProtocolError {
    let ProtocolError::Io(io) = &error else {
        return error;
    };
    // actix-web-actors keeps only the text of an error of the body.
    let is_oversize =
        io.get_ref().is_some_and(|inner| inner.to_string() == PayloadError::Overflow.to_string());
    if is_oversize { ProtocolError::Overflow } else { error }
}

#[cfg(test)]
mod tests {
    use std::io;

    use bytes::Bytes;
    use futures_util::stream;

    use super::*;

    /// A binary frame with a mask of zeros and this many zeros in it, if it has a payload.
    fn frame(announced: u8, is_complete: bool) -> Bytes {
        let payload = if is_complete { usize::from(announced) } else { 0 };
        [vec![0x82, 0x80 | announced], vec![0; 4 + payload]].concat().into()
    }

    #[actix_web::test]
    async fn a_guarded_body_passes_frames_on_and_ends_where_one_is_too_large() {
        let request = actix_web::test::TestRequest::default().to_http_request();
        let (good, bad) = (frame(100, true), frame(101, false));
        let chunks = stream::iter([good.clone(), bad, good.clone()].map(Ok));
        let mut inner = dev::Payload::Stream { payload: chunks.boxed_local() };
        let body = web::Payload::from_request(&request, &mut inner).await.unwrap();
        let mut guarded = guarded_payload(&request, body, 100 - 64).unwrap();
        assert_eq!(guarded.next().await.unwrap().unwrap(), good);
        assert!(matches!(guarded.next().await, Some(Err(PayloadError::Overflow))));
        assert!(
            matches!(guarded.next().await, Some(Err(PayloadError::Overflow))),
            "and nothing passes after it"
        );
    }

    #[actix_web::test]
    async fn lost_connection_ends_the_body_without_an_error() {
        let request = actix_web::test::TestRequest::default().to_http_request();
        let chunks = stream::iter([Ok(frame(1, true)), Err(PayloadError::Incomplete(None))]);
        let mut inner = dev::Payload::Stream { payload: chunks.boxed_local() };
        let body = web::Payload::from_request(&request, &mut inner).await.unwrap();
        let mut guarded = guarded_payload(&request, body, 100).unwrap();
        assert_eq!(guarded.next().await.unwrap().unwrap(), frame(1, true));
        assert!(guarded.next().await.is_none());
    }

    #[test]
    fn other_errors_stay_what_they_are() {
        let lost = ProtocolError::Io(io::Error::from(io::ErrorKind::ConnectionReset));
        assert!(matches!(unwrap_oversize(lost), ProtocolError::Io(_)));
        assert!(matches!(unwrap_oversize(ProtocolError::UnmaskedFrame), ProtocolError::UnmaskedFrame));
        let oversize = ProtocolError::Io(io::Error::other(PayloadError::Overflow));
        assert!(matches!(unwrap_oversize(oversize), ProtocolError::Overflow));
    }
}
