//! The client address of a forwarded request, as far as trusted proxies report it.
//!
//! Each proxy appends the source address of its own request at the right, so the headers are read
//! from there. If the connection comes from a trusted proxy, its entry names the previous hop. If
//! that is also a trusted proxy, the next entry is used. The first untrusted address is the
//! client. Entries to the left of it were sent by the client and are not read.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use actix_web::http::header::{FORWARDED, HeaderMap, X_FORWARDED_FOR};
use ipnet::IpNet;

/// The maximum number of chained proxies.
const HOPS: usize = 32;

/// The networks of the trusted proxies.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trusted(Vec<IpNet>);

/// The error for a text that is neither an IP address nor a network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is neither an IP address nor a network such as `10.0.0.0/8`")]
pub struct NoNetwork(String);

impl Trusted {
    /// Trusts the proxies of this network, or the proxy with this address.
    pub(crate) fn add(&mut self, network: &str) -> Result<(), NoNetwork> {
        let parsed = network.parse().or_else(|_| network.parse::<IpAddr>().map(IpNet::from));
        self.0.push(parsed.map_err(|_| NoNetwork(network.to_owned()))?);
        Ok(())
    }

    /// The client address of a request with these headers, on a connection from this address.
    pub(super) fn client(&self, connection: SocketAddr, headers: &HeaderMap) -> SocketAddr {
        if !self.has(connection.ip()) {
            return connection;
        }
        let forwarded = self.walk(connection, elements(headers, FORWARDED.as_str()).map(forwarded_for));
        let listed = self.walk(connection, elements(headers, X_FORWARDED_FOR.as_str()).map(node));
        match (headers.contains_key(FORWARDED), headers.contains_key(X_FORWARDED_FOR)) {
            (true, false) => forwarded,
            (false, true) => listed,
            // A proxy that writes one of the headers may forward the other as the client sent it.
            (true, true) if forwarded.ip() == listed.ip() => forwarded,
            (true, true) | (false, false) => connection,
        }
    }

    /// The first untrusted address. A trusted proxy did not write a malformed entry: the search
    /// then ends at the proxy that forwarded it.
    fn walk(&self, connection: SocketAddr, hops: impl Iterator<Item = Option<SocketAddr>>) -> SocketAddr {
        let mut last = connection;
        for hop in hops.take(HOPS) {
            let Some(address) = hop else { return last };
            last = address;
            if !self.has(address.ip()) {
                return last;
            }
        }
        last
    }

    fn has(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }
}

/// The elements of a list header, across all its lines, from the right. A line that is not valid
/// text counts as one malformed element.
fn elements<'h>(headers: &'h HeaderMap, name: &str) -> impl Iterator<Item = &'h str> {
    let lines: Vec<_> = headers.get_all(name).map(|value| value.to_str().unwrap_or("?")).collect();
    lines.into_iter().rev().flat_map(|line| line.rsplit(',').map(str::trim))
}

/// The address in an element of `Forwarded` (RFC 7239). A comma in a quoted string splits it, and
/// both halves are malformed then. Unbalanced quotes and escapes are not supported.
fn forwarded_for(element: &str) -> Option<SocketAddr> {
    let is_plain = !element.contains('\\') && element.matches('"').count().is_multiple_of(2);
    let mut found = None;
    for pair in element.split(';').filter(|_| is_plain) {
        let (name, value) = pair.split_once('=')?;
        if name.trim().eq_ignore_ascii_case("for") && found.replace(value.trim()).is_some() {
            return None;
        }
    }
    let value = found?;
    let unquoted = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
    node(unquoted.unwrap_or(value))
}

/// An address with or without a port. `unknown` and obfuscated identifiers are not addresses.
fn node(text: &str) -> Option<SocketAddr> {
    let bare = |text: &str| text.parse::<IpAddr>().ok();
    if let Ok(address) = text.parse::<SocketAddr>() {
        return Some(SocketAddr::new(address.ip().to_canonical(), address.port()));
    }
    let address = bare(text).or_else(|| {
        let inner = text.strip_prefix('[')?.strip_suffix(']')?;
        bare(inner).filter(IpAddr::is_ipv6)
    })?;
    Some(SocketAddr::new(address.to_canonical(), 0))
}

impl fmt::Display for Trusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|network| format_args!("{network}").to_string())).finish()
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    const PROXY: &str = "10.0.0.1:4000";

    fn client(connection: &str, headers: &[(&str, &str)]) -> String {
        let mut trusted = Trusted::default();
        for network in ["10.0.0.0/8", "192.0.2.7", "2001:db8:1::/48"] {
            trusted.add(network).unwrap();
        }
        let mut request = TestRequest::get();
        for header in headers {
            request = request.append_header(*header);
        }
        trusted.client(connection.parse().unwrap(), request.to_http_request().headers()).to_string()
    }

    fn listed(list: &str) -> String {
        client(PROXY, &[("x-forwarded-for", list)])
    }

    fn forwarded(list: &str) -> String {
        client(PROXY, &[("forwarded", list)])
    }

    #[test]
    fn nobody_is_trusted_by_default() {
        let request = TestRequest::get().insert_header(("x-forwarded-for", "203.0.113.9")).to_http_request();
        let address = PROXY.parse().unwrap();
        assert_eq!(Trusted::default().client(address, request.headers()), address);
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        assert_eq!(client("203.0.113.1:9", &[("x-forwarded-for", "198.51.100.1")]), "203.0.113.1:9");
        assert_eq!(client("192.0.2.8:9", &[("forwarded", "for=198.51.100.1")]), "192.0.2.8:9");
        assert_eq!(client("192.0.2.7:9", &[("forwarded", "for=198.51.100.1")]), "198.51.100.1:0");
        assert_eq!(client("[::ffff:10.1.1.1]:9", &[("x-forwarded-for", "198.51.100.1")]), "198.51.100.1:0");
        assert_eq!(client(PROXY, &[]), PROXY);
    }

    #[test]
    fn trusted_hops_are_skipped_from_the_right() {
        assert_eq!(listed("198.51.100.1"), "198.51.100.1:0");
        assert_eq!(listed("198.51.100.1, 10.0.0.2"), "198.51.100.1:0");
        assert_eq!(listed("198.51.100.1:77,10.0.0.2 , 192.0.2.7:80"), "198.51.100.1:77");
        assert_eq!(listed("2001:db8:2::1, 2001:db8:1::1"), "[2001:db8:2::1]:0");
        assert_eq!(listed("[2001:db8:2::1]:5, [2001:db8:1::1]"), "[2001:db8:2::1]:5");
        assert_eq!(listed("10.0.0.3, 10.0.0.2"), "10.0.0.3:0");
        assert_eq!(listed("::ffff:198.51.100.1"), "198.51.100.1:0");
        let lines = [("x-forwarded-for", "198.51.100.1"), ("x-forwarded-for", "10.0.0.2")];
        assert_eq!(client(PROXY, &lines), "198.51.100.1:0");
        assert_eq!(
            forwarded("for=198.51.100.1;proto=https, For=\"[2001:db8:1::1]:9\";by=10.0.0.1"),
            "198.51.100.1:0"
        );
        assert_eq!(forwarded("proto=https;for=\"198.51.100.1:1\""), "198.51.100.1:1");
    }

    /// Entries of the client, left of those of the proxies, are not read.
    #[test]
    fn clients_cannot_name_themselves() {
        assert_eq!(listed("127.0.0.1, 6.6.6.6, 198.51.100.1"), "198.51.100.1:0");
        assert_eq!(listed("10.0.0.2, 198.51.100.1"), "198.51.100.1:0");
        assert_eq!(forwarded("for=6.6.6.6, for=198.51.100.1"), "198.51.100.1:0");
        assert_eq!(forwarded("for=\"6.6.6.6, for=198.51.100.1"), "198.51.100.1:0");
        let both = [("x-forwarded-for", "198.51.100.1"), ("forwarded", "for=6.6.6.6")];
        assert_eq!(client(PROXY, &both), PROXY, "one of them is the client's own");
        let same = [("x-forwarded-for", "198.51.100.1"), ("forwarded", "for=198.51.100.1")];
        assert_eq!(client(PROXY, &same), "198.51.100.1:0");
        // A proxy repeats the host that the client requested.
        for host in ["a,for=6.6.6.6;x=", "a\\\",for=6.6.6.6,b=\\\""] {
            assert_eq!(forwarded(&format!("for=198.51.100.1;host=\"{host}\"")), PROXY, "{host}");
        }
    }

    #[test]
    fn unreadable_elements_end_the_walk() {
        for list in ["", ",", "unknown", "_hidden", "1.2.3", "198.51.100.1, nonsense", "[10.0.0.1]", "é"] {
            assert_eq!(listed(list), PROXY, "{list}");
        }
        assert_eq!(listed("198.51.100.1, unknown, 10.0.0.2"), "10.0.0.2:0");
        for list in
            ["for", "for=unknown", "for=_x", "for=6.6.6.6;for=198.51.100.1", "by=10.0.0.1", "for=\"6.6.6.6"]
        {
            assert_eq!(forwarded(list), PROXY, "{list}");
        }
        assert_eq!(listed(&"10.0.0.2,".repeat(5000)), PROXY);
        assert_eq!(listed(&["10.0.0.2"; 5000].join(",")), "10.0.0.2:0");
    }

    #[test]
    fn what_is_no_network_is_an_error() {
        for network in ["", "10.0.0.0/33", "example.com", "10.0.0", "10.0.0.0/-1"] {
            assert_eq!(Trusted::default().add(network), Err(NoNetwork(network.to_owned())), "{network}");
        }
    }
}
