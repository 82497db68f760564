//! A request to open a session, and its sender.

use std::future::Future;
use std::net::{IpAddr, SocketAddr};

use actix_web::HttpRequest;
use actix_web::http::header::{self, HeaderMap};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use distributed_scope_core::{Denied, Principal};
use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;

use super::forwarded::Trusted;

/// Authenticates a client before its connection becomes a session. A closure implements it; see
/// [`Builder::authenticate`](crate::Builder::authenticate).
pub trait Authenticate: Send + Sync + 'static {
    /// Returns the principal of the client. `None` accepts the client without a principal.
    ///
    /// Runs on the worker of the server that owns the connection. It may await, for instance a
    /// database query. There is no time limit of its own; the time counts against the client's
    /// handshake timeout.
    fn authenticate(&self, upgrade: Upgrade) -> LocalBoxFuture<'static, Result<Option<Principal>, Denied>>;
}

impl<F, Fut> Authenticate for F
where
    F: Fn(Upgrade) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Option<Principal>, Denied>> + 'static,
{
    fn authenticate(&self, upgrade: Upgrade) -> LocalBoxFuture<'static, Result<Option<Principal>, Denied>> {
        self(upgrade).boxed_local()
    }
}

/// A request to open a session, as [`Authenticate`] receives it.
///
/// `Debug` shows only the address, so that no token appears in logs.
#[derive(Clone)]
pub struct Upgrade(HttpRequest, Option<SocketAddr>);

impl Upgrade {
    pub(crate) fn new(request: HttpRequest, trusted: &Trusted) -> Self {
        let client = request.peer_addr().map(|connection| trusted.client(connection, request.headers()));
        Self(request, client)
    }

    /// Returns the request of actix-web: its headers and cookies, and the data of its connection
    /// and of its app.
    #[must_use]
    pub fn request(&self) -> &HttpRequest {
        &self.0
    }

    /// Returns the token that the client sent: `Authorization: Bearer <token>`, or, from a
    /// browser, the subprotocol `bearer.<token in base64url>`.
    ///
    /// # Errors
    ///
    /// If the token is malformed, or the request has more than one.
    pub fn bearer(&self) -> Result<Option<String>, Denied> {
        bearer(self.0.headers())
    }

    /// Returns the client certificate, if the server asks for one: see
    /// [`tls::Clients`](crate::tls::Clients).
    #[cfg(feature = "rustls")]
    #[must_use]
    pub fn certificate(&self) -> Option<&crate::tls::ClientCertificate> {
        self.0.conn_data()
    }

    pub(crate) fn host(&self) -> Option<&str> {
        self.0.headers().get(header::HOST)?.to_str().ok()
    }

    /// The host that the first proxy was asked for, as reported in `X-Forwarded-Host`.
    pub(super) fn forwarded_host(&self) -> Option<&str> {
        let hosts = self.0.headers().get("x-forwarded-host")?.to_str().ok()?;
        hosts.split(',').next().map(str::trim)
    }

    /// The `Origin` headers of the request; `None` for a value that is not valid text.
    pub(crate) fn origins(&self) -> impl Iterator<Item = Option<&str>> {
        self.0.headers().get_all(header::ORIGIN).map(|origin| origin.to_str().ok())
    }

    /// Returns the address of the other end of the TCP connection, which may be a proxy.
    #[must_use]
    pub fn peer_addr(&self) -> Option<SocketAddr> {
        self.0.peer_addr()
    }

    /// Returns the address of the client, which is used for the limits per address and in logs.
    ///
    /// This is the other end of the TCP connection. If that is a proxy that this peer
    /// [trusts](crate::Builder::trust_proxy), it is the client address that the proxy reports;
    /// its port is 0 if the proxy reports none.
    #[must_use]
    pub fn client_addr(&self) -> Option<SocketAddr> {
        self.1
    }

    /// Returns true if the server itself terminates TLS on this connection. Behind a
    /// TLS-terminating proxy, it returns false.
    #[must_use]
    pub fn is_encrypted(&self) -> bool {
        self.0.app_config().secure()
    }

    /// Returns true if the client appears to be on this machine: the connection comes from a
    /// loopback address, and no header shows that a proxy forwarded the request.
    #[must_use]
    pub fn is_local(&self) -> bool {
        let is_loopback = self.peer_addr().is_some_and(|address| is_loopback(address.ip()));
        let is_passed_on = PASSED_ON.iter().any(|name| self.0.headers().contains_key(*name));
        is_loopback && !is_passed_on
    }
}

impl std::fmt::Debug for Upgrade {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Upgrade").field("from", &self.client_addr()).finish_non_exhaustive()
    }
}

/// The principal of the client certificate.
#[cfg(feature = "rustls")]
pub(super) fn certified(upgrade: &Upgrade) -> Result<Option<Principal>, Denied> {
    upgrade.certificate().map(crate::tls::ClientCertificate::principal).transpose()
}

/// Without TLS there are no certificates.
#[cfg(not(feature = "rustls"))]
pub(super) fn certified(_: &Upgrade) -> Result<Option<Principal>, Denied> {
    Ok(None)
}

/// The headers that show that a proxy forwarded the request.
const PASSED_ON: [&str; 6] =
    ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip", "via"];

pub(crate) fn is_loopback(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

/// How a browser sends a token: it cannot set headers, and a URL would appear in logs.
const BEARER: &str = "bearer.";

/// The subprotocols that a request offers.
pub(crate) fn subprotocols(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    headers
        .get_all(header::SEC_WEBSOCKET_PROTOCOL)
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(',').map(str::trim))
}

fn bearer(headers: &HeaderMap) -> Result<Option<String>, Denied> {
    let malformed = || Denied::unauthenticated("the token cannot be read");
    let mut found = None;
    // A proxy in front of this peer may have checked only one of them.
    let mut find = |token: String| match found.replace(token) {
        None => Ok(()),
        Some(_) => Err(Denied::unauthenticated("there is more than one token")),
    };
    for value in headers.get_all(header::AUTHORIZATION) {
        let (scheme, token) =
            value.to_str().ok().and_then(|text| text.split_once(' ')).ok_or_else(malformed)?;
        // Other schemes are not for this peer, for instance the `Basic` of a proxy.
        if scheme.eq_ignore_ascii_case("bearer") {
            find(token.trim().to_owned())?;
        }
    }
    for encoded in subprotocols(headers).filter_map(|name| name.strip_prefix(BEARER)) {
        let bytes = URL_SAFE_NO_PAD.decode(encoded).map_err(|_| malformed())?;
        find(String::from_utf8(bytes).map_err(|_| malformed())?)?;
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn upgrade(address: &str, headers: &[(&str, &str)]) -> Upgrade {
        let mut request = TestRequest::get().peer_addr(address.parse().unwrap());
        for header in headers {
            request = request.append_header(*header);
        }
        Upgrade::new(request.to_http_request(), &Trusted::default())
    }

    #[test]
    fn a_token_is_found_in_the_header_and_in_the_subprotocols() {
        let local = "127.0.0.1:9";
        let bearer = |headers: &[_]| upgrade(local, headers).bearer();
        assert_eq!(bearer(&[]), Ok(None));
        assert_eq!(bearer(&[("authorization", "Bearer abc.def")]), Ok(Some("abc.def".to_owned())));
        assert_eq!(bearer(&[("authorization", "bearer abc")]), Ok(Some("abc".to_owned())));
        assert_eq!(bearer(&[("authorization", "Basic YTpi")]), Ok(None));
        let protocols = "distributed-scope.v1, bearer.YWJj";
        assert_eq!(bearer(&[("sec-websocket-protocol", protocols)]), Ok(Some("abc".to_owned())));
        for broken in ["bearer.YWJj=", "bearer.?", "bearer._w"] {
            assert!(bearer(&[("sec-websocket-protocol", broken)]).is_err(), "{broken}");
        }
    }

    #[test]
    fn who_comes_through_a_proxy_on_this_machine_is_not_local() {
        assert!(upgrade("127.0.0.1:9", &[]).is_local());
        assert!(upgrade("127.8.9.10:9", &[]).is_local());
        assert!(upgrade("[::1]:9", &[]).is_local());
        assert!(upgrade("[::ffff:127.0.0.1]:9", &[]).is_local());
        assert!(!upgrade("192.0.2.1:9", &[]).is_local());
        assert!(!upgrade("127.0.0.1:9", &[("X-Forwarded-For", "192.0.2.1")]).is_local());
        assert!(!upgrade("127.0.0.1:9", &[("Forwarded", "for=192.0.2.1")]).is_local());
        assert!(!upgrade("127.0.0.1:9", &[("X-Forwarded-Host", "example.com")]).is_local());
        assert!(!upgrade("127.0.0.1:9", &[("X-Forwarded-Proto", "https")]).is_local());
    }
}
