//! The server's end by actix-ws.

use actix_web::{HttpRequest, HttpResponse, web};
use distributed_scope_core::frame::SUBPROTOCOL;
use futures_util::StreamExt;

use super::actor::{Reader, SessionActor};
use super::frame_guard::{self, payload::guarded_payload};
use super::incoming::Incoming;
use super::link::Link;
use super::upgrade::{self, Served};

/// Answers a request to a peer's path with a session.
pub(crate) async fn accept(
    request: HttpRequest,
    body: web::Payload,
    served: web::Data<Served>,
) -> actix_web::Result<HttpResponse> {
    upgrade::check(&request)?;
    let link = Link::accept(served.0.clone());
    let limit = link.shared().limits().message;
    let body = guarded_payload(&request, body, frame_guard::limit(limit))?;
    let (response, sink, stream) = actix_ws::handle_with_protocols(&request, body, &[SUBPROTOCOL])?;
    let stream = stream.max_frame_size(limit);
    tracing::debug!(peer = %link.shared().id(), from = ?request.peer_addr(), "connection accepted");
    let stream = stream.map(|item| item.map(Incoming::from).map_err(frame_guard::unwrap_oversize));
    SessionActor::start(Reader::new(link, None), stream, sink);
    Ok(response)
}
