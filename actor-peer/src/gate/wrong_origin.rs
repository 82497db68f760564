//! The error for an origin that is not allowed: the compared values, and the line to add to the
//! proxy or to the program.

use std::fmt;

use super::origin::Origin;

/// Why the origin of a page is not allowed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum WrongOrigin {
    /// No browser sends two.
    #[error("origin not allowed: the request has more than one `Origin`")]
    Several,
    /// Not an origin: `null`, or something else.
    #[error(
        "origin not allowed: `Origin` is {}; a page in a sandboxed frame or from a file has no origin, so serve it over `http://` or \
         `https://`",
        quoted(.0)
    )]
    None(String),
    /// A browser extension, which has no host.
    #[error("origin not allowed: `Origin` is `{0}`; {line}", line = Line(.0))]
    Extension(Origin),
    /// A page of another host than the request was sent to, according to the headers.
    #[error(
        "origin not allowed: `Origin` is `{origin}`, `Host` is {}, {}; behind a proxy, forward the host (nginx: \
         `proxy_set_header Host $http_host;`, dev server: `changeOrigin: false`); otherwise {line}",
        quoted(.host),
        passed_on(.forwarded.as_deref()),
        line = Line(.origin)
    )]
    OtherHost {
        origin: Origin,
        host: String,
        /// `X-Forwarded-Host`.
        forwarded: Option<String>,
    },
    /// A page whose host equals the requested host, but is not a name of this peer.
    #[error(
        "origin not allowed: `Origin` is `{0}`, `Host` is the same, but it is not a name of this peer (DNS rebinding); if it is, start the server's peer with \
         `.allow_host(\"{host}\")`; behind a proxy on this machine, forward the client's address (nginx: `proxy_set_header X-Forwarded-For \
         $proxy_add_x_forwarded_for;`); otherwise {line}",
        host = .0.host(),
        line = Line(.0)
    )]
    Rebound(Origin),
    /// A page that was loaded without TLS, from a server that has TLS.
    #[error("origin not allowed: `Origin` is `{0}`, and this server speaks TLS: open the page from `https://`, or {line}", line = Line(.0))]
    Downgrade(Origin),
}

/// The line of code that allows the origin.
struct Line<'a>(&'a Origin);

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "start the server's peer with `.allow_origin(\"{}\")`", self.0)
    }
}

/// A value of the request, shortened to one line.
fn quoted(header: &str) -> String {
    let short: String = header.chars().take(100).collect();
    format!("`{}`", short.escape_debug())
}

fn passed_on(header: Option<&str>) -> String {
    header.map_or_else(
        || "there is no `X-Forwarded-Host`".to_owned(),
        |host| format!("`X-Forwarded-Host` is {}", quoted(host)),
    )
}
