//! The origins of web pages that may connect.
//!
//! A browser lets every page open a WebSocket to any host, and sends the user's cookies with it.
//! It also sends the origin of the page: the `Origin` header. Programs that are not browsers send
//! none and are not checked here.
//!
//! A proxy may have changed the `Host`; `X-Forwarded-Host` then has the original value. It is
//! trusted here, because a page cannot set headers of a WebSocket. A client that can is not a
//! browser, and could also omit the `Origin`.

use std::fmt;
use std::net::IpAddr;

use awc::http::Uri;

use super::upgrade::{Upgrade, is_loopback};
use super::wrong_origin::WrongOrigin;

/// The allowed origins: the same origin, and the listed ones.
#[derive(Clone, Debug, Default)]
pub(crate) struct Origins {
    listed: Vec<Origin>,
    /// The host names of this peer; if empty, any name is accepted.
    hosts: Vec<String>,
}

/// The scheme, host and port of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    scheme: String,
    host: String,
    port: Option<u16>,
}

/// The error for a text that is not an origin.
#[derive(Clone, Debug, thiserror::Error)]
#[error(
    "`{0}` is not an origin: write it as a browser does, `https://app.example.com`, with the port if it is not the default"
)]
pub struct NoOrigin(String);

/// The error for a text that is not a host name.
#[derive(Clone, Debug, thiserror::Error)]
#[error("`{0}` is not a host name: write it without scheme, port and path, such as `app.example.com`")]
pub struct NoHost(String);

impl Origin {
    /// Strict: only scheme, host and port, as a browser writes it.
    fn parse(text: &str) -> Option<Self> {
        let (scheme, authority) = text.split_once("://")?;
        let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
        if !is_scheme {
            return None;
        }
        let (host, port) = host_and_port(authority)?;
        let origin = Self { scheme: scheme.to_ascii_lowercase(), host, port };
        // Other schemes, for instance of a browser extension, have no default port.
        Some(Self { port: port.filter(|port| Some(*port) != origin.usual_port()), ..origin })
    }

    pub(super) fn host(&self) -> &str {
        &self.host
    }

    /// The default port of the scheme.
    fn usual_port(&self) -> Option<u16> {
        match self.scheme.as_str() {
            "http" => Some(80),
            "https" => Some(443),
            _ => None,
        }
    }

    /// Whether this `Host` exactly equals the host of this origin; a suffix is not enough.
    fn is_at(&self, host: &str) -> bool {
        host_and_port(host).is_some_and(|(host, port)| {
            host == self.host && port.filter(|port| Some(*port) != self.usual_port()) == self.port
        })
    }

    /// Whether the request was sent to the host of this origin.
    fn check(self, upgrade: &Upgrade, hosts: &[String]) -> Result<(), WrongOrigin> {
        if self.usual_port().is_none() {
            return Err(WrongOrigin::Extension(self));
        }
        let (host, forwarded) = (upgrade.host().unwrap_or_default(), upgrade.forwarded_host());
        if !self.is_at(host) && !forwarded.is_some_and(|host| self.is_at(host)) {
            let (host, forwarded) = (host.to_owned(), forwarded.map(str::to_owned));
            return Err(WrongOrigin::OtherHost { origin: self, host, forwarded });
        }
        if upgrade.is_encrypted() && self.scheme != "https" {
            return Err(WrongOrigin::Downgrade(self));
        }
        // A page may have resolved its own name to the address of this peer (DNS rebinding), and
        // would then be of the same origin. It cannot do this with an IP address or a name of
        // this machine.
        let is_own = is_this_machine(&self.host) || is_address(&self.host) && !upgrade.is_local();
        let is_any = hosts.is_empty() && !upgrade.is_local();
        if !(is_own || is_any || hosts.contains(&self.host)) {
            return Err(WrongOrigin::Rebound(self));
        }
        Ok(())
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.host)?;
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

fn host_and_port(authority: &str) -> Option<(String, Option<u16>)> {
    let uri: Uri = format!("http://{authority}/").parse().ok()?;
    // The rest is a path, user info or the like, which an origin does not have.
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

fn is_address(host: &str) -> bool {
    host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().is_ok()
}

impl Origins {
    pub(crate) fn add_host(&mut self, host: &str) -> Result<(), NoHost> {
        let (name, port) = host_and_port(host).ok_or_else(|| NoHost(host.to_owned()))?;
        if port.is_some() {
            return Err(NoHost(host.to_owned()));
        }
        self.hosts.push(name);
        Ok(())
    }

    /// Whether the program listed host names of this peer.
    pub(crate) fn knows_hosts(&self) -> bool {
        !self.hosts.is_empty()
    }

    pub(crate) fn add(&mut self, origin: &str) -> Result<(), NoOrigin> {
        self.listed.push(Origin::parse(origin).ok_or_else(|| NoOrigin(origin.to_owned()))?);
        Ok(())
    }

    /// Checks that the sender of this request may connect, if it is a web page.
    pub(crate) fn check(&self, upgrade: &Upgrade) -> Result<(), WrongOrigin> {
        let mut origins = upgrade.origins();
        let origin = match (origins.next(), origins.next()) {
            (None, _) => return Ok(()),
            (Some(origin), None) => origin.unwrap_or_default(),
            (Some(_), Some(_)) => return Err(WrongOrigin::Several),
        };
        match Origin::parse(origin) {
            Some(origin) if self.listed.contains(&origin) => Ok(()),
            Some(origin) => origin.check(upgrade, &self.hosts),
            None => Err(WrongOrigin::None(origin.to_owned())),
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
        origins
            .check(&Upgrade::new(request.to_http_request(), &super::super::forwarded::Trusted::default()))
            .is_ok()
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

    /// If a peer lists its host names, a page that used another name is of another origin.
    #[test]
    fn rebound_name_is_no_host() {
        let mut origins = Origins::default();
        origins.add_host("App.example.com").unwrap();
        for (from, host) in [
            (ELSEWHERE, "app.example.com"),
            (ELSEWHERE, "APP.example.com:8080"),
            (ELSEWHERE, "192.0.2.7:8080"),
            (ELSEWHERE, "[2001:db8::1]"),
            (ELSEWHERE, "localhost"),
            (HERE, "app.example.com"),
            (HERE, "localhost:8080"),
        ] {
            assert!(allows(&origins, from, host, &format!("http://{host}")), "{host}");
        }
        for from in [ELSEWHERE, HERE] {
            for host in
                ["evil.example", "evil.app.example.com", "app.example.com.evil.example", "app.example"]
            {
                assert!(!allows(&origins, from, host, &format!("http://{host}")), "{host}");
            }
        }
        for wrong in ["https://app.example.com", "app.example.com:80", "app.example.com/", "", "a@b"] {
            assert!(origins.add_host(wrong).is_err(), "{wrong}");
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
        assert!(
            Origins::default()
                .check(&Upgrade::new(request.to_http_request(), &super::super::forwarded::Trusted::default()))
                .is_ok()
        );
        let request = TestRequest::get().peer_addr(ELSEWHERE.parse().unwrap());
        let request = request.insert_header(("Host", "example.com"));
        let request = request.append_header(("Origin", "https://example.com"));
        let request = request.append_header(("Origin", "https://evil.com"));
        assert!(
            Origins::default()
                .check(&Upgrade::new(request.to_http_request(), &super::super::forwarded::Trusted::default()))
                .is_err()
        );
    }

    /// The error for a page from `from` with these headers.
    fn said(from: &str, headers: &[(&str, &str)]) -> Result<(), String> {
        let mut request = TestRequest::get().peer_addr(from.parse().unwrap());
        for header in headers {
            request = request.append_header(*header);
        }
        let upgrade = Upgrade::new(request.to_http_request(), &super::super::forwarded::Trusted::default());
        Origins::default().check(&upgrade).map_err(|wrong| wrong.to_string())
    }

    /// Both compared values are named, with the line for a proxy and the line for the program.
    #[test]
    fn refused_page_is_told_line_to_write() {
        let page = ("Origin", "https://app.example.com");
        let text = said(HERE, &[("Host", "127.0.0.1:8080"), page]).unwrap_err();
        for part in [
            "`Origin` is `https://app.example.com`",
            "`Host` is `127.0.0.1:8080`",
            "no `X-Forwarded-Host`",
            "`proxy_set_header Host $http_host;`",
            "`changeOrigin: false`",
            "`.allow_origin(\"https://app.example.com\")`",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        let headers = [("Host", "backend"), ("X-Forwarded-Host", "app.example.com"), page];
        let other_port = [headers[0], headers[1], ("Origin", "https://app.example.com:8443")];
        let text = said(HERE, &other_port).unwrap_err();
        assert!(text.contains("`X-Forwarded-Host` is `app.example.com`"), "{text}");
        let text = said(HERE, &[("Host", "app.example.com"), page]).unwrap_err();
        assert!(text.contains("`proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;`"), "{text}");
        let text =
            said(ELSEWHERE, &[("Host", "app.example.com"), ("Origin", "moz-extension://1f-2e")]).unwrap_err();
        assert!(text.ends_with("`.allow_origin(\"moz-extension://1f-2e\")`"), "{text}");
        let text = said(ELSEWHERE, &[("Host", "app.example.com"), ("Origin", "null")]).unwrap_err();
        assert!(text.contains("`Origin` is `null`") && text.contains("`https://`"), "{text}");
    }

    /// A header is repeated as one short line, and never as a line of code.
    #[test]
    fn refusal_quotes_headers_safely() {
        let text = said(ELSEWHERE, &[("Host", &"h".repeat(2_000)), ("Origin", "https://app.example.com")]);
        assert!(text.unwrap_err().len() < 600);
        let text = said(ELSEWHERE, &[("Host", "h"), ("Origin", "x\")]; f(`://app.example.com")]).unwrap_err();
        assert!(!text.contains("allow_origin"), "{text}");
    }

    /// A proxy that changes the host and reports the original needs no further configuration.
    #[test]
    fn forwarded_host_is_the_host() {
        let behind = |host| {
            said(
                HERE,
                &[("Host", "backend:80"), ("X-Forwarded-Host", host), ("Origin", "https://app.example.com")],
            )
        };
        // A second proxy appends its own.
        for host in ["app.example.com", "app.example.com:443", "app.example.com, inner"] {
            assert_eq!(behind(host), Ok(()), "{host}");
        }
        for host in ["app.example.com:8443", "evil.com", "inner, app.example.com", ""] {
            assert!(behind(host).is_err(), "{host}");
        }
    }
}
