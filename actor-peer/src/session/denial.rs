//! What a server says when it lets nobody in: awc keeps the status alone, so the text is read here, before awc drops it.

use std::cell::RefCell;
use std::rc::Rc;

use actix_http::h1::ClientCodec;
use actix_service::Service;
use awc::error::SendRequestError;
use awc::middleware::Transform;
use awc::{ConnectRequest, ConnectResponse};
use futures_util::StreamExt;
use futures_util::future::LocalBoxFuture;

/// So much of it is read. What our servers say is shorter, and somebody else's page is of no use here.
const LONGEST: usize = 1 << 10;

/// The status of answers that turn somebody away; see [`ConnectError::Denied`](distributed_scope_core::peer::ConnectError::Denied).
pub(super) fn is_denial(status: u16) -> bool {
    matches!(status, 401 | 403 | 429 | 503)
}

/// Reads the text of an answer that turns this peer away.
#[derive(Clone, Default)]
pub(super) struct Denial(Rc<RefCell<String>>);

impl Denial {
    /// What was said; empty if nothing was, or no text.
    pub(super) fn reason(&self) -> String {
        self.0.take()
    }
}

impl<S> Transform<S, ConnectRequest> for Denial
where
    S: Service<ConnectRequest, Response = ConnectResponse, Error = SendRequestError> + 'static,
{
    type Transform = Listening<S>;

    fn new_transform(self, service: S) -> Self::Transform {
        Listening { service, denial: self }
    }
}

pub(super) struct Listening<S> {
    service: S,
    denial: Denial,
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
        let (answer, denial) = (self.service.call(request), self.denial.clone());
        Box::pin(async move {
            let answer = answer.await?;
            let ConnectResponse::Tunnel(head, framed) = answer else { return Ok(answer) };
            if !is_denial(head.status.as_u16()) {
                return Ok(ConnectResponse::Tunnel(head, framed));
            }
            let mut framed = framed.into_map_codec(ClientCodec::into_payload_codec);
            let mut text = Vec::new();
            while text.len() < LONGEST
                && let Some(Ok(Some(part))) = framed.next().await
            {
                text.extend(part);
            }
            text.truncate(LONGEST);
            denial.0.replace(String::from_utf8(text).unwrap_or_default());
            let framed = framed.into_map_codec(actix_http::h1::ClientPayloadCodec::into_message_codec);
            Ok(ConnectResponse::Tunnel(head, framed))
        })
    }
}
