//! The response of a server that does not upgrade. awc keeps only the status, so the rest is read
//! here before awc drops it.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use actix_http::h1::{ClientCodec, ClientPayloadCodec, MessageType};
use actix_service::Service;
use actix_web::http::header::HttpDate;
use awc::error::SendRequestError;
use awc::http::{StatusCode, header};
use awc::middleware::Transform;
use awc::{ConnectRequest, ConnectResponse};
use futures_util::StreamExt;
use futures_util::future::LocalBoxFuture;

/// The number of bytes of the body that are read. The bodies of our servers are shorter, and the
/// page of another server is of no use here.
const LONGEST: usize = 1 << 10;

/// The timeout for the body: the status is more important, and must not be lost to an endless
/// body.
const PATIENCE: Duration = Duration::from_secs(1);

/// The content of a response besides its status.
#[derive(Debug, Default)]
pub(super) struct Said {
    /// The body, as far as it was read; empty if the response has no body, or it is not text.
    pub(super) text: String,
    /// The target of a redirect.
    pub(super) location: Option<String>,
    /// The delay that it requests.
    pub(super) retry_after: Option<Duration>,
}

/// Captures the response to one request.
#[derive(Clone, Default)]
pub(super) struct Answer(Rc<RefCell<Said>>);

impl Answer {
    /// The captured response; can be taken once.
    pub(super) fn take(&self) -> Said {
        self.0.take()
    }
}

impl<S> Transform<S, ConnectRequest> for Answer
where
    S: Service<ConnectRequest, Response = ConnectResponse, Error = SendRequestError> + 'static,
{
    type Transform = Listening<S>;

    fn new_transform(self, service: S) -> Self::Transform {
        Listening { service, answer: self }
    }
}

pub(super) struct Listening<S> {
    service: S,
    answer: Answer,
}

impl<S> Service<ConnectRequest> for Listening<S>
where
    S: Service<ConnectRequest, Response = ConnectResponse, Error = SendRequestError> + 'static,
{
    type Response = ConnectResponse;
    type Error = SendRequestError;
    type Future = LocalBoxFuture<'static, Result<ConnectResponse, SendRequestError>>;

    actix_service::forward_ready!(service);

    fn call(&self, request: ConnectRequest) -> Self::Future {
        let (response, answer) = (self.service.call(request), self.answer.clone());
        Box::pin(async move {
            let response = response.await?;
            let ConnectResponse::Tunnel(head, framed) = response else { return Ok(response) };
            if head.status == StatusCode::SWITCHING_PROTOCOLS {
                return Ok(ConnectResponse::Tunnel(head, framed));
            }
            let location = head.headers.get(header::LOCATION).and_then(|value| value.to_str().ok());
            answer.0.borrow_mut().location = location.map(str::to_owned);
            let retry_after = head.headers.get(header::RETRY_AFTER).and_then(|value| value.to_str().ok());
            answer.0.borrow_mut().retry_after = retry_after.and_then(|text| span(text, SystemTime::now()));
            // The body codec must not be called if the response has no body.
            if matches!(framed.codec_ref().message_type(), MessageType::None) {
                return Ok(ConnectResponse::Tunnel(head, framed));
            }
            let mut framed = framed.into_map_codec(ClientCodec::into_payload_codec);
            let mut text = Vec::new();
            let reading = async {
                while text.len() < LONGEST
                    && let Some(Ok(Some(part))) = framed.next().await
                {
                    text.extend(part);
                }
            };
            // The part received by then is enough.
            let _ = tokio::time::timeout(PATIENCE, reading).await;
            text.truncate(LONGEST);
            answer.0.borrow_mut().text = readable(text);
            let framed = framed.into_map_codec(ClientPayloadCodec::into_message_codec);
            Ok(ConnectResponse::Tunnel(head, framed))
        })
    }
}

/// The delay of a `Retry-After` header: seconds, or until a date.
fn span(text: &str, now: SystemTime) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = SystemTime::from(text.parse::<HttpDate>().ok()?);
    // A date in the past requests no delay.
    Some(date.duration_since(now).unwrap_or_default())
}

/// These bytes as text, without an incomplete last character; empty if they are not text.
fn readable(mut bytes: Vec<u8>) -> String {
    if let Err(error) = str::from_utf8(&bytes)
        && error.error_len().is_none()
    {
        bytes.truncate(error.valid_up_to());
    }
    String::from_utf8(bytes).map(|text| text.trim().to_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A text that is cut within a character is still text; other bytes are dropped.
    #[test]
    fn cut_text_is_readable() {
        assert_eq!(readable("déjà\n".into()), "déjà");
        assert_eq!(readable("déjà".as_bytes()[..5].to_vec()), "déj");
        assert_eq!(readable(vec![b'a', 0xFF, b'b']), "");
    }

    /// Both forms of `Retry-After` are parsed; other values request no delay.
    #[test]
    fn retry_after_is_seconds_or_date() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777 - 30);
        let seconds = |text| span(text, now).map(|span| span.as_secs());
        assert_eq!(seconds("120"), Some(120));
        assert_eq!(seconds("Sun, 06 Nov 1994 08:49:37 GMT"), Some(30));
        assert_eq!(seconds("Sun, 06 Nov 1994 08:40:00 GMT"), Some(0));
        assert_eq!(seconds("soon"), None);
        assert_eq!(seconds("-1"), None);
    }
}
