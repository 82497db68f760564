//! Converts a failed connection attempt to an error with its fix.

use std::io;

use actix_http::error::ParseError;
use awc::error::{ConnectError as AwcConnectError, SendRequestError, WsClientError};
use distributed_scope_core::peer::{ConnectCause, ConnectError};

use super::answer::{Answer, Said};
use super::first_bytes::FirstBytes;

/// The status codes of a rejection; see [`ConnectError::Denied`].
fn is_denial(status: u16) -> bool {
    matches!(status, 401 | 403 | 429 | 503)
}

/// The error of a request that was not upgraded.
pub(super) fn failure(
    url: String,
    is_tls: bool,
    error: WsClientError,
    answer: &Answer,
    heard: &FirstBytes,
) -> ConnectError {
    #[cfg(feature = "rustls")]
    if let Some(reason) = tls_reason(is_tls, &error, heard) {
        return match reason {
            Ok(reason) => ConnectError::Tls { url, reason: reason.into(), source: error.to_string().into() },
            Err(said) => ConnectError::NotHttp { url, said },
        };
    }
    match error {
        WsClientError::InvalidResponseStatus(status) => {
            let (status, Said { text: reason, location, retry_after }) = (status.as_u16(), answer.take());
            match is_denial(status) {
                true => ConnectError::Denied { url, status, reason, retry_after },
                false => ConnectError::NotAPeer { url, status, location, reason, retry_after },
            }
        }
        WsClientError::SendRequest(error) => failed_request(url, is_tls, error, heard),
        // The response had the status of an upgrade, but not its headers.
        error => ConnectError::NotAPeer {
            url,
            status: 101,
            location: None,
            reason: error.to_string(),
            retry_after: None,
        },
    }
}

fn failed_request(url: String, is_tls: bool, error: SendRequestError, heard: &FirstBytes) -> ConnectError {
    let unreachable = |source: ConnectCause| ConnectError::Unreachable { url: url.clone(), source };
    match error {
        SendRequestError::Timeout | SendRequestError::Connect(AwcConnectError::Timeout) => {
            ConnectError::TimedOut { url }
        }
        SendRequestError::Connect(AwcConnectError::Io(error)) | SendRequestError::Send(error) => {
            unreachable(error.into())
        }
        SendRequestError::Response(ParseError::Io(error)) => unreachable(error.into()),
        SendRequestError::Response(ParseError::Incomplete | ParseError::Timeout)
        | SendRequestError::Connect(AwcConnectError::Disconnected) => unreachable(ended(is_tls)),
        SendRequestError::Response(_) => ConnectError::NotHttp { url, said: heard.explain() },
        // The others contain errors that are not `Send`, so only their text is kept.
        error => unreachable(error.to_string().into()),
    }
}

/// The connection ended without a response.
fn ended(is_tls: bool) -> ConnectCause {
    let text = match is_tls {
        true => "the connection was closed without an answer",
        false => "the connection was closed without an answer; if the server speaks TLS, write `wss://`",
    };
    io::Error::new(io::ErrorKind::UnexpectedEof, text).into()
}

/// Why the TLS handshake failed, if known: the fix, or as an error, the protocol that the server
/// speaks instead.
#[cfg(feature = "rustls")]
fn tls_reason(is_tls: bool, error: &WsClientError, heard: &FirstBytes) -> Option<Result<String, String>> {
    let io = io_error(error).filter(|_| is_tls)?;
    if heard.are_of_ssh() {
        return Some(Err(heard.explain()));
    }
    let is_handshake = matches!(error, WsClientError::SendRequest(SendRequestError::Connect(_)));
    if is_handshake && io.kind() == io::ErrorKind::UnexpectedEof {
        return Some(Ok("the connection was closed during the handshake; is it `ws://`?".to_owned()));
    }
    crate::tls::hint(io).map(Ok)
}

/// Why the connection ended, if known. With TLS 1.3, the other side checks our certificate after
/// we have sent the request.
#[cfg(feature = "rustls")]
fn io_error(error: &WsClientError) -> Option<&io::Error> {
    let WsClientError::SendRequest(error) = error else { return None };
    match error {
        SendRequestError::Connect(AwcConnectError::Io(error))
        | SendRequestError::Send(error)
        | SendRequestError::Response(ParseError::Io(error)) => Some(error),
        _ => None,
    }
}
