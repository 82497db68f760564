//! What is said of a page that may not connect: the values that were compared, and the line to
//! write, in a proxy or in the program.

use std::fmt;

use super::origin::Origin;

/// A page that may not connect, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum WrongOrigin {
    /// No browser says two.
    #[error("origin not allowed: the request has more than one `Origin`")]
    Several,
    /// Not an origin: `null`, or something else.
    #[error(
        "origin not allowed: `Origin` is {}; a page in a sandboxed frame or from a file has no origin, so serve it over `http://` or \
         `https://`",
        quoted(.0)
    )]
    None(String),
    /// A browser's extension, which is of no host.
    #[error("origin not allowed: `Origin` is `{0}`; {line}", line = Line(.0))]
    Extension(Origin),
    /// A page of another host than the request came to, as far as the headers say.
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
    /// A page that has the name under which it asked, which is none of this peer's.
    #[error(
        "origin not allowed: `Origin` is `{0}`, `Host` is the same, but it is no name of this peer (DNS rebinding); if it is, start the server's peer with \
         `.allow_host(\"{host}\")`; behind a proxy on this machine, forward the client's address (nginx: `proxy_set_header X-Forwarded-For \
         $proxy_add_x_forwarded_for;`); otherwise {line}",
        host = .0.host(),
        line = Line(.0)
    )]
    Rebound(Origin),
    /// A page that came without TLS, from a server that has it.
    #[error("origin not allowed: `Origin` is `{0}`, and this server speaks TLS: open the page from `https://`, or {line}", line = Line(.0))]
    Downgrade(Origin),
}

/// The line that lets a page connect.
struct Line<'a>(&'a Origin);

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "start the server's peer with `.allow_origin(\"{}\")`", self.0)
    }
}

/// What a request says, as one line that is not long.
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
