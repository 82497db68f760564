//! Answers a request to the path of a peer with a session.

use actix_http::ws;
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use distributed_scope_core::frame::SUBPROTOCOL;
use distributed_scope_core::session::MAX_FRAME;

use super::accept_outdated;
use super::body::SessionBody;
use super::conversation::Conversation;
use super::reader::{Connection, Reader};
use super::upgrade::{self, Arrival, Served};
use super::wire::Wire;

pub(crate) async fn accept(
    request: HttpRequest,
    body: web::Payload,
    served: web::Data<Served>,
) -> actix_web::Result<HttpResponse> {
    let visitor = match upgrade::check(&request, &served.0).await? {
        Arrival::Visitor(visitor) => visitor,
        Arrival::Outdated { offered, place } => {
            return accept_outdated::answer(&request, body.into_inner(), &served.0, offered, place);
        }
    };
    let mut response = ws::handshake(request.head())?;
    response.insert_header((header::SEC_WEBSOCKET_PROTOCOL, SUBPROTOCOL));
    let principal = visitor.principal.clone();
    let connection = Connection::accepted(served.0.clone(), visitor).writes_after_reading();
    tracing::debug!(peer = %connection.shared().id(), from = ?request.peer_addr(), "connection accepted");
    let reader = Reader::new(connection, upgrade::socket(&request)).known_as(principal.as_ref());
    let session = SessionBody::new(body.into_inner(), Conversation::new(reader, Wire::server(MAX_FRAME)));
    Ok(HttpResponse::from(response.message_body(session)?.map_into_boxed_body()))
}
