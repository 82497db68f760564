//! A result that is `impl Trait`, as handlers have it.

use std::fmt::Display;

use actix_web::{HttpResponse, Responder};
use distributed_scope::{PeerId, RemoteError, distributed, remote};

#[distributed]
async fn hidden(p: PeerId, n: u8) -> impl Display {
    remote!(p, [n], { n + 1 }).await.map_or_else(|error| error.to_string(), |n| n.to_string())
}

#[distributed]
async fn in_a_result(p: PeerId, n: u8) -> Result<impl Display, RemoteError> {
    if n == 0 {
        return remote!(p, [], { 0_u8 }).await;
    }
    Ok(remote!(p, [n], { n + 1 }).await?)
}

#[distributed]
async fn handler(p: PeerId) -> impl Responder {
    match remote!(p, [], { 7_u8 }).await {
        Ok(n) => HttpResponse::Ok().body(n.to_string()),
        Err(error) => HttpResponse::from_error(error),
    }
}

#[distributed]
async fn asked(p: PeerId) -> Result<impl Responder, actix_web::Error> {
    let n = remote!(p, [], { 7_u8 }).await?;
    Ok(HttpResponse::Ok().body(n.to_string()))
}

fn main() {
    let _ = (hidden, in_a_result, handler, asked);
}
