//! Who made a connection.

use super::principal::Principal;

/// Who made a connection, as far as that was found out before the handshake on it.
#[derive(Clone, Debug, Default)]
pub struct Visitor {
    /// Who it is; `None` for somebody who is not known.
    pub principal: Option<Principal>,
    /// Whether it is on this machine.
    pub is_local: bool,
}
