//! The client of a connection.

use std::any::Any;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use super::principal::Principal;
use crate::limits::account::Account;

/// The client of a connection, as far as it was identified before the handshake.
#[derive(Clone, Debug, Default)]
pub struct Visitor {
    /// The principal; `None` if it is not authenticated.
    pub principal: Option<Principal>,
    /// Where its connection comes from, if that is known.
    pub address: Option<SocketAddr>,
    /// Whether it is on this machine.
    pub is_local: bool,
    /// What is held for all sessions of its address, if that is known.
    pub account: Option<Arc<Account>>,
    /// Whether its address is at its limit of sessions: it may only resume one of them.
    pub is_beyond: bool,
    /// What it takes up until its session is over.
    pub holding: Option<Holding>,
}

/// Something that is held as long as a session is there, whatever it is: it is given back when
/// this is dropped.
#[derive(Clone)]
pub struct Holding(#[expect(dead_code, reason = "it is kept to be dropped")] Arc<dyn Any + Send + Sync>);

impl Holding {
    /// Holds this.
    pub fn new(held: impl Any + Send + Sync) -> Self {
        Self(Arc::new(held))
    }
}

impl fmt::Debug for Holding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Holding")
    }
}
