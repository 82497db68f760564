//! The checks of a connecting client, before there is a session.
//!
//! | module | idea |
//! |---|---|
//! | here | the order of the checks, from the cheapest to the most expensive |
//! | `upgrade` | the request, and its sender |
//! | `forwarded` | the client address of a forwarded request |
//! | `origin` | which web pages may connect |
//! | `wrong_origin` | the error for the others |
//! | `places` | the limits of connections: number, per address, and rate |

mod forwarded;
mod origin;
mod places;
mod upgrade;
mod wrong_origin;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use actix_web::HttpRequest;
use distributed_scope_core::auth::{Holding, Visitor};
use distributed_scope_core::internal::{Seldom, guard};
use distributed_scope_core::{Denied, Limits, PeerId, Principal};

pub use self::forwarded::NoNetwork;
pub(crate) use self::forwarded::Trusted;
pub(crate) use self::origin::Origins;
pub use self::origin::{NoHost, NoOrigin};
pub(crate) use self::places::NoPlace;
use self::places::{Place, Places};
pub use self::upgrade::{Authenticate, Upgrade};
pub(crate) use self::upgrade::{is_loopback, subprotocols};
use crate::clock;

/// The rules for connecting clients, from the builder.
#[derive(Default)]
pub(crate) struct Rules {
    pub(crate) authenticate: Option<Arc<dyn Authenticate>>,
    pub(crate) allow_plaintext: bool,
    pub(crate) origins: Origins,
    pub(crate) trusted: Trusted,
}

/// Checks connecting clients.
pub(crate) struct Gate {
    rules: Rules,
    places: Places,
    panics: Seldom,
    warned: AtomicBool,
}

/// Why a client was rejected.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum Closed {
    #[error(transparent)]
    NoPlace(#[from] NoPlace),
    #[error(transparent)]
    Denied(#[from] Denied),
}

impl Gate {
    pub(crate) fn new(rules: Rules, limits: &Limits) -> Self {
        Self { rules, places: Places::new(limits), panics: Seldom::default(), warned: AtomicBool::default() }
    }

    /// Called by each worker with the address that the peer listens on. Warns once if a page
    /// could reach the peer under a name that the page has made up.
    pub(crate) fn listens(&self, peer: PeerId, address: SocketAddr, allows_first_come: bool) {
        let is_open = allows_first_come && !is_loopback(address.ip()) && !self.rules.origins.knows_hosts();
        if is_open && !self.warned.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                %peer,
                %address,
                "any host may connect, and so may a web page that resolves its own name to this address (DNS rebinding): \
                 list the host names of this peer with `.allow_host(\"app.example.com\")`"
            );
        }
    }

    /// A request with its client address.
    pub(crate) fn upgrade(&self, request: &HttpRequest) -> Upgrade {
        Upgrade::new(request.clone(), &self.rules.trusted)
    }

    /// Checks that a place is free and that the origin of the page is allowed. The place is held
    /// while the returned value is held.
    pub(crate) fn enter(&self, upgrade: &Upgrade) -> Result<Holding, Closed> {
        self.enter_at(upgrade).map(Holding::new)
    }

    fn enter_at(&self, upgrade: &Upgrade) -> Result<Place, Closed> {
        let place = self.places.take(address(upgrade), clock::now())?;
        if let Err(wrong) = self.rules.origins.check(upgrade) {
            self.places.failed(address(upgrade), clock::now());
            return Err(Closed::Denied(Denied::forbidden(wrong.to_string())));
        }
        Ok(place)
    }

    /// Checks that the client may [`enter`](Self::enter) and that a token may be sent over this
    /// connection, and authenticates the client.
    pub(crate) async fn admit(&self, request: &HttpRequest) -> Result<Visitor, Closed> {
        let upgrade = self.upgrade(request);
        let address = address(&upgrade);
        let place = self.enter_at(&upgrade)?;
        let recognised = self.recognise(upgrade, place).await;
        // A failed check is not the fault of the client.
        if matches!(&recognised, Err(Denied::Unauthenticated(_) | Denied::Forbidden(_))) {
            self.places.failed(address, clock::now());
        }
        Ok(recognised?)
    }

    async fn recognise(&self, upgrade: Upgrade, place: Place) -> Result<Visitor, Denied> {
        let (is_local, address) = (upgrade.is_local(), upgrade.client_addr());
        let is_private = upgrade.is_encrypted() || is_local || self.rules.allow_plaintext;
        if !is_private && !matches!(upgrade.bearer(), Ok(None)) {
            return Err(Denied::forbidden(
                "a token was sent without TLS and can be read in transit: connect with `wss://`; where a proxy ends TLS, \
                 start the server's peer with `.allow_plaintext()`",
            ));
        }
        let principal = match &self.rules.authenticate {
            Some(authenticate) => self.ask(&**authenticate, upgrade).await?,
            None => upgrade::certified(&upgrade)?,
        };
        let expires = principal.as_ref().and_then(Principal::expires);
        if expires.is_some_and(|expires| expires <= SystemTime::now()) {
            return Err(Denied::unauthenticated("the credential has expired"));
        }
        let (is_beyond, account) = (place.is_beyond(), Some(Arc::clone(place.account())));
        Ok(Visitor { principal, address, is_local, is_beyond, account, holding: Some(Holding::new(place)) })
    }

    /// Runs the authentication of the program, which may panic. A panic must neither admit the
    /// client nor end the connection without an answer.
    async fn ask(
        &self,
        authenticate: &dyn Authenticate,
        upgrade: Upgrade,
    ) -> Result<Option<Principal>, Denied> {
        guard::run_async(|| authenticate.authenticate(upgrade)).await.unwrap_or_else(|_| {
            if let Some(left_out) = self.panics.next(clock::now()) {
                tracing::error!(left_out, "`authenticate` panicked");
            }
            Err(Denied::unavailable("authentication failed with an internal error"))
        })
    }
}

/// A connection without an address, for instance over a Unix socket, counts as local.
fn address(upgrade: &Upgrade) -> IpAddr {
    upgrade.client_addr().map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |address| address.ip())
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[actix_web::test]
    async fn a_token_over_plaintext_is_refused_unless_it_is_allowed_or_stays_on_this_machine() {
        let token = ("authorization", "Bearer abc");
        let gate = |rules| Gate::new(rules, &Limits::default());
        let closed = gate(Rules::default());
        let admit = async |gate: &Gate, address: &str| {
            let request = TestRequest::get().peer_addr(address.parse().unwrap()).append_header(token);
            gate.admit(&request.to_http_request()).await
        };
        let denied = admit(&closed, "192.0.2.1:9").await.unwrap_err();
        assert!(
            matches!(&denied, Closed::Denied(Denied::Forbidden(text)) if text.contains(".allow_plaintext()")),
            "{denied}"
        );
        assert!(!format!("{denied:?}").contains("abc"));
        assert!(admit(&closed, "127.0.0.1:9").await.is_ok());
        let open = gate(Rules { allow_plaintext: true, ..Rules::default() });
        assert!(admit(&open, "192.0.2.1:9").await.is_ok());
    }
}
