//! The addresses of a URL, in the order in which they are tried.

use std::io;
use std::net::{IpAddr, SocketAddr};

use awc::http::Uri;

use crate::endpoint::Endpoint;

/// The port of this URL, explicit or default.
fn port(uri: &Uri) -> u16 {
    let usual = if uri.scheme_str() == Some("wss") { 443 } else { 80 };
    uri.port_u16().unwrap_or(usual)
}

/// The host of this URL, without the brackets of IPv6.
fn host(uri: &Uri) -> &str {
    uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']')
}

/// Whether the host of this URL is an IP address and not a name.
pub(super) fn is_literal(uri: &Uri) -> bool {
    host(uri).parse::<IpAddr>().is_ok()
}

/// The addresses of the host of this URL: those of the endpoint if it has any, otherwise those
/// that the operating system resolves.
pub(super) async fn resolve(endpoint: &Endpoint, uri: &Uri) -> io::Result<Vec<SocketAddr>> {
    if !endpoint.known_addresses().is_empty() {
        return Ok(endpoint.known_addresses().to_vec());
    }
    let host = host(uri);
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, port(uri))]);
    }
    let found = tokio::net::lookup_host((host, port(uri))).await;
    let found =
        found.map_err(|error| io::Error::new(error.kind(), format!("cannot resolve {host:?}: {error}")))?;
    let addresses = interleaved(found.collect());
    if addresses.is_empty() {
        return Err(io::Error::new(io::ErrorKind::NotFound, format!("{host:?} has no address")));
    }
    Ok(addresses)
}

/// Alternates the address families, in their order, beginning with the family of the first
/// address (RFC 8305, section 4). If one family does not work at all, only one of its addresses
/// is waited for.
fn interleaved(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let first_is_v6 = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (first, second): (Vec<_>, Vec<_>) =
        addresses.into_iter().partition(|address| address.is_ipv6() == first_is_v6);
    let (mut first, mut second) = (first.into_iter(), second.into_iter());
    let mut all = Vec::new();
    loop {
        let pair = [first.next(), second.next()];
        if pair == [None, None] {
            return all;
        }
        all.extend(pair.into_iter().flatten());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Families alternate, beginning with that of the first address; the rest of the longer one
    /// follows.
    #[test]
    fn address_families_alternate() {
        let order = |addresses: &[&str]| -> Vec<String> {
            let addresses = addresses.iter().map(|address| SocketAddr::new(address.parse().unwrap(), 1));
            interleaved(addresses.collect()).iter().map(|address| address.ip().to_string()).collect()
        };
        assert_eq!(order(&["::1", "::2", "::3", "192.0.2.1"]), ["::1", "192.0.2.1", "::2", "::3"]);
        assert_eq!(order(&["192.0.2.1", "::1", "::2"]), ["192.0.2.1", "::1", "::2"]);
        assert!(order(&[]).is_empty());
    }

    /// An IP address in a URL is used unchanged, with the default port of the scheme if none is
    /// given.
    #[actix_web::test]
    async fn address_in_url_is_not_looked_up() {
        for (url, expected) in [
            ("ws://[::1]:9/scope", "[::1]:9"),
            ("ws://192.0.2.1/scope", "192.0.2.1:80"),
            ("wss://192.0.2.1/scope", "192.0.2.1:443"),
        ] {
            let found = resolve(&Endpoint::new(url), &url.parse().unwrap()).await.unwrap();
            assert_eq!(found, [expected.parse().unwrap()], "{url}");
        }
    }
}
