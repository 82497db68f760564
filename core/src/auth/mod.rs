//! Authentication and authorization: how a caller is identified, and what a block requires of it.
//!
//! | module | idea |
//! |---|---|
//! | `principal` | an authenticated user: a name, claims, and how it was proved |
//! | `visitor` | the client of a connection, before the handshake |
//! | `denied` | the rejection of a connection or a call, with its reason |
//! | `authorize` | authorization by the program: which blocks run for which caller |
//! | `requirement` | what a block requires of its caller: nothing, a principal, or a claim |

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
