//! The server's end by actix-ws.

use actix_web::{HttpRequest, HttpResponse, web};
use distributed_scope_core::Principal;
use distributed_scope_core::frame::SUBPROTOCOL;
use distributed_scope_core::session::MAX_FRAME;
use futures_util::StreamExt;

use super::actor::SessionActor;
use super::frame_guard::{self, payload::guarded_payload};
use super::incoming::Incoming;
use super::reader::{Connection, Reader};
use super::upgrade::{self, Served};

/// Answers a request to a peer's path with a session.
pub(crate) async fn accept(
    request: HttpRequest,
    body: web::Payload,
    served: web::Data<Served>,
) -> actix_web::Result<HttpResponse> {
    let visitor = upgrade::check(&request, &served.0).await?;
    let body = guarded_payload(&request, body, frame_guard::limit(MAX_FRAME))?;
    let (response, sink, stream) = actix_ws::handle_with_protocols(&request, body, &[SUBPROTOCOL])?;
    let expires = visitor.principal.as_ref().and_then(Principal::expires);
    let connection = Connection::accepted(served.0.clone(), visitor);
    tracing::debug!(peer = %connection.shared().id(), from = ?request.peer_addr(), "connection accepted");
    let stream = stream.max_frame_size(MAX_FRAME);
    let stream = stream.map(|item| item.map(Incoming::from).map_err(frame_guard::unwrap_oversize));
    let reader = Reader::new(connection, upgrade::socket(&request)).expiring(expires);
    SessionActor::start(reader, stream, sink);
    Ok(response)
}
