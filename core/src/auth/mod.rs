//! Who may do what: the ways to know who is there, and what a block asks of its caller.
//!
//! | module | idea |
//! |---|---|
//! | `principal` | somebody who was recognised: a name, claims, and how it was proved |
//! | `visitor` | who made a connection, before the handshake on it |
//! | `denied` | that somebody was turned away, and why |
//! | `requirement` | what a block asks of its caller: anybody, somebody known, somebody with a claim |

mod denied;
mod principal;
mod requirement;
mod visitor;

pub use self::denied::Denied;
pub use self::principal::{Principal, Proof};
pub use self::requirement::Requirement;
pub use self::visitor::Visitor;
