//! Who may do what: the ways to know who is there, and what a block asks of its caller.
//!
//! | module | idea |
//! |---|---|
//! | `principal` | somebody who was recognised: a name, claims, and how it was proved |
//! | `visitor` | who made a connection, before the handshake on it |
//! | `denied` | that somebody was turned away, and why |
//! | `authorize` | the program's own say in which blocks run for whom |
//! | `requirement` | what a block asks of its caller: anybody, somebody known, somebody with a claim |

mod authorize;
mod denied;
mod principal;
mod requirement;
mod visitor;

pub use self::authorize::{Attempt, Authorize, Verdict};
pub use self::denied::Denied;
pub use self::principal::{Principal, Proof};
pub use self::requirement::Requirement;
pub use self::visitor::{Holding, Visitor};
