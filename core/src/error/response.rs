//! A failed call as the answer of an actix-web handler, so that `?` works there.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, ResponseError};

use super::{ErrorKind, Refusal, RemoteError};

impl ResponseError for RemoteError {
    /// 401 and 403 for a caller that may not, 413 for what is too large, 429 for too many calls,
    /// 503 for a peer that is not there, 504 for a deadline; else 500.
    fn status_code(&self) -> StatusCode {
        match self.kind() {
            ErrorKind::Refused(refusal) => status_of(refusal),
            ErrorKind::DeadlineExceeded => StatusCode::GATEWAY_TIMEOUT,
            ErrorKind::NotConnected | ErrorKind::Disconnected | ErrorKind::Cancelled => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            ErrorKind::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The status and its usual phrase. What the error says is for the program, not for the client
    /// of the HTTP request.
    fn error_response(&self) -> HttpResponse {
        let status = self.status_code();
        HttpResponse::build(status).body(status.canonical_reason().unwrap_or_default())
    }
}

fn status_of(refusal: &Refusal) -> StatusCode {
    match refusal {
        Refusal::Unauthenticated(_) => StatusCode::UNAUTHORIZED,
        Refusal::Forbidden(_) | Refusal::NotExposed => StatusCode::FORBIDDEN,
        Refusal::Overloaded(_) | Refusal::TooFast(_) | Refusal::QueueFull(_) | Refusal::Full(_) => {
            StatusCode::TOO_MANY_REQUESTS
        }
        Refusal::GoingAway => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Ran;

    #[test]
    fn each_kind_of_failure_has_its_status_and_says_nothing_of_the_program() {
        for (kind, status) in [
            (ErrorKind::Raised, 500),
            (ErrorKind::Panicked, 500),
            (ErrorKind::DeadlineExceeded, 504),
            (ErrorKind::NotConnected, 503),
            (ErrorKind::Disconnected, 503),
            (ErrorKind::TooLarge { size: 2, limit: 1 }, 413),
            (ErrorKind::Refused(Refusal::Unauthenticated("no token".to_owned())), 401),
            (ErrorKind::Refused(Refusal::Forbidden("not you".to_owned())), 403),
            (ErrorKind::Refused(Refusal::NotExposed), 403),
            (ErrorKind::Refused(Refusal::QueueFull(1)), 429),
            (ErrorKind::Refused(Refusal::GoingAway), 503),
        ] {
            let error = RemoteError::new(kind, Ran::Never);
            assert_eq!(error.status_code().as_u16(), status, "{error}");
            assert_eq!(error.error_response().status().as_u16(), status);
        }
    }
}
