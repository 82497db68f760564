//! Which web pages may connect.
//!
//! A browser lets every page open a WebSocket to anywhere, and sends what the user is known by along. It also says which page it was: the
//! `Origin`. Programs that are no browsers send none, and are not meant here.

use std::net::IpAddr;

use awc::http::Uri;

use crate::gate::upgrade::{Upgrade, is_loopback};

/// The web pages that may connect: those of the same origin, and those that are listed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Origins(Vec<Origin>);

/// Scheme, host and port of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Origin {
    scheme: String,
    host: String,
    port: Option<u16>,
}

/// A text that is no origin.
#[derive(Clone, Debug, thiserror::Error)]
#[error(
    "`{0}` is no origin: write it as a browser does, `https://app.example.com`, with the port if it is not the usual one"
)]
pub struct NoOrigin(String);

impl Origin {
    /// Strict: nothing but scheme, host and port, as a browser writes it.
    fn parse(text: &str) -> Option<Self> {
        let (scheme, authority) = text.split_once("://")?;
        let scheme = scheme.to_ascii_lowercase();
        let usual = match scheme.as_str() {
            "http" => 80,
            "https" => 443,
            // Another scheme, for instance of a browser's extension, has no usual port.
            _ if scheme.is_empty() => return None,
            _ => 0,
        };
        let (host, port) = host_and_port(authority)?;
        Some(Self { scheme, host, port: port.filter(|port| *port != usual) })
    }

    /// Whether the request came to the host that this page is from. Strictly so: not to a part of its name.
    fn is_of(&self, upgrade: &Upgrade) -> bool {
        let Some((host, port)) = upgrade.host().and_then(host_and_port) else { return false };
        let is_downgrade = upgrade.is_encrypted() && self.scheme != "https";
        let usual = match self.scheme.as_str() {
            "http" => 80,
            "https" => 443,
            _ => return false,
        };
        // A page may have given its own name to an address of this machine (DNS rebinding), and would be of the same origin.
        let is_rebound = upgrade.is_local() && !is_this_machine(&host);
        host == self.host && port.filter(|port| *port != usual) == self.port && !is_downgrade && !is_rebound
    }
}

fn host_and_port(authority: &str) -> Option<(String, Option<u16>)> {
    let uri: Uri = format!("http://{authority}/").parse().ok()?;
    // What is left over is a path, a user's name or the like, which an origin has not.
    let is_whole =
        uri.authority().is_some_and(|parsed| parsed.as_str() == authority) && !authority.contains('@');
    let port = uri.port_u16();
    let has_port = authority.rsplit_once(']').map_or(authority, |(_, rest)| rest).contains(':');
    (is_whole && has_port == port.is_some()).then(|| Some((uri.host()?.to_ascii_lowercase(), port)))?
}

fn is_this_machine(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.ends_with(".localhost") || address.parse::<IpAddr>().is_ok_and(is_loopback)
}

impl Origins {
    pub(crate) fn add(&mut self, origin: &str) -> Result<(), NoOrigin> {
        self.0.push(Origin::parse(origin).ok_or_else(|| NoOrigin(origin.to_owned()))?);
        Ok(())
    }

    /// Whether whoever sent this may connect, as far as it is a web page.
    pub(crate) fn allow(&self, upgrade: &Upgrade) -> bool {
        let mut origins = upgrade.origins();
        match (origins.next(), origins.next()) {
            (None, _) => true,
            (Some(origin), None) => origin
                .and_then(Origin::parse)
                .is_some_and(|origin| self.0.contains(&origin) || origin.is_of(upgrade)),
            // No browser says two.
            (Some(_), Some(_)) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    const ELSEWHERE: &str = "192.0.2.1:9";
    const HERE: &str = "127.0.0.1:9";

    fn allows(origins: &Origins, from: &str, host: &str, origin: &str) -> bool {
        let request = TestRequest::get().peer_addr(from.parse().unwrap());
        let request = request.insert_header(("Host", host)).insert_header(("Origin", origin));
        origins.allow(&Upgrade::new(request.to_http_request()))
    }

    #[test]
    fn a_page_of_the_same_origin_may_connect_however_it_is_written() {
        let none = Origins::default();
        for (host, origin) in [
            ("example.com", "https://example.com"),
            ("example.com", "http://example.com"),
            ("example.com:80", "http://example.com"),
            ("example.com", "http://example.com:80"),
            ("EXAMPLE.com", "https://example.COM"),
            ("example.com:8080", "http://example.com:8080"),
            ("[2001:db8::1]:8080", "http://[2001:db8::1]:8080"),
        ] {
            assert!(allows(&none, ELSEWHERE, host, origin), "{host} {origin}");
        }
    }

    #[test]
    fn a_page_of_any_other_origin_may_not() {
        let none = Origins::default();
        for (host, origin) in [
            ("example.com", "https://evil.com"),
            ("example.com", "null"),
            ("example.com", ""),
            ("example.com", "https://example.com.evil.com"),
            ("example.com", "https://evilexample.com"),
            ("example.com", "https://sub.example.com"),
            ("sub.example.com", "https://example.com"),
            ("example.com", "https://example.com@evil.com"),
            ("example.com", "https://evil.com/https://example.com"),
            ("example.com", "https://example.com/"),
            ("example.com", "https://example.com:444"),
            ("example.com:444", "https://example.com"),
            ("example.com", "https://example.com:99999"),
            ("example.com", "example.com"),
            ("example.com", "file://example.com"),
            ("example.com", "://example.com"),
        ] {
            assert!(!allows(&none, ELSEWHERE, host, origin), "{host} {origin}");
        }
    }

    #[test]
    fn a_page_that_has_given_its_name_to_this_machine_is_not_of_the_same_origin() {
        let none = Origins::default();
        assert!(!allows(&none, HERE, "evil.com:47291", "http://evil.com:47291"));
        for host in ["localhost:47291", "127.0.0.1:47291", "[::1]:47291", "app.localhost:47291"] {
            assert!(allows(&none, HERE, host, &format!("http://{host}")), "{host}");
        }
    }

    #[test]
    fn a_listed_origin_may_connect_and_nothing_that_looks_like_it() {
        let mut origins = Origins::default();
        origins.add("https://app.example.com").unwrap();
        let allows = |origin: &str| allows(&origins, ELSEWHERE, "api.example.com", origin);
        assert!(allows("https://app.example.com") && allows("https://APP.example.com:443"));
        for origin in [
            "http://app.example.com",
            "https://app.example.com:8443",
            "https://app.example.com.evil.com",
            "null",
        ] {
            assert!(!allows(origin), "{origin}");
        }
        for wrong in ["app.example.com", "https://", "https://app.example.com/path", "*"] {
            assert!(origins.add(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn who_is_no_browser_is_not_meant_and_two_origins_are_none() {
        let request = TestRequest::get().peer_addr(ELSEWHERE.parse().unwrap());
        assert!(Origins::default().allow(&Upgrade::new(request.to_http_request())));
        let request = TestRequest::get().peer_addr(ELSEWHERE.parse().unwrap());
        let request = request.insert_header(("Host", "example.com"));
        let request = request.append_header(("Origin", "https://example.com"));
        let request = request.append_header(("Origin", "https://evil.com"));
        assert!(!Origins::default().allow(&Upgrade::new(request.to_http_request())));
    }
}
