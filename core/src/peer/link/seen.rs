//! What is visible of a session for operators of its peer: its state, and lines in the log.

use std::net::SocketAddr;
use std::time::SystemTime;

use super::Link;
use super::life::Ended;
use crate::auth::Principal;
use crate::peer::{Platform, SessionInfo};

impl<P: Platform> Link<P> {
    /// Its current state; `None` before it is open and after it is over.
    pub(in crate::peer) fn info(&self) -> Option<SessionInfo> {
        let is_waiting = {
            let state = self.state.lock();
            let is_there = state.session.is_alive() && state.session.is_open();
            is_there.then(|| !state.session.is_attached())?
        };
        let visitor = self.visitor.read();
        Some(SessionInfo {
            peer: self.remote,
            principal: visitor.principal.clone(),
            address: visitor.address,
            since: SystemTime::UNIX_EPOCH + self.since,
            is_waiting,
            is_dialled: self.is_dialled,
        })
    }

    /// The remote address of its last connection.
    pub fn address(&self) -> Option<SocketAddr> {
        self.visitor.read().address
    }

    /// This side has dialled to resume it.
    pub(in crate::peer) fn is_at(&self, address: Option<SocketAddr>) {
        self.visitor.write().address = address;
    }

    /// Logs its end, by this side or by the other one.
    pub(super) fn log_end(&self, Ended { is_ours, reason }: &Ended) {
        if tracing::enabled!(tracing::Level::INFO) {
            let visitor = self.visitor.read();
            let address = visitor.address.map(tracing::field::display);
            let principal = visitor.principal.as_ref().map(Principal::subject);
            let what = if *is_ours { "session ended" } else { "session ended by the other side" };
            tracing::info!(peer = %self.shared.id(), remote = %self.remote, address, principal, reason, "{what}");
        }
    }

    /// Logs an event of the session, with its peer and principal.
    pub(super) fn log(&self, what: &str) {
        if tracing::enabled!(tracing::Level::INFO) {
            let visitor = self.visitor.read();
            let address = visitor.address.map(tracing::field::display);
            let principal = visitor.principal.as_ref().map(Principal::subject);
            tracing::info!(peer = %self.shared.id(), remote = %self.remote, address, principal, "{what}");
        }
    }
}
