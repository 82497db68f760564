//! What a block requires of its caller.

use std::fmt;

use super::principal::Principal;
use crate::error::Refusal;

/// What a block requires of its caller, in addition to being exposed. It is checked before the
/// captures are decoded.
///
/// Written as `#[distributed(require = authenticated)]` for all blocks of a function, or as
/// `#[block(require = claim("role", "admin"))]` for one of them. It is a rule of the peer that
/// runs the block: it does not count in the block's version.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Requirement {
    /// Nothing: any peer that has a session.
    #[default]
    Anybody,
    /// A [`Principal`].
    Authenticated,
    /// A principal with this claim.
    Claim {
        /// The claim.
        name: &'static str,
        /// One of its values.
        value: &'static str,
    },
}

impl Requirement {
    /// Whether this caller meets it, or the refusal that it gets.
    pub fn check(self, caller: Option<&Principal>) -> Result<(), Refusal> {
        match (self, caller) {
            (Self::Anybody, _) | (Self::Authenticated, Some(_)) => Ok(()),
            (Self::Claim { name, value }, Some(caller)) if caller.has(name, value) => Ok(()),
            (Self::Claim { .. }, Some(_)) => Err(Refusal::Forbidden(format!("it asks for {self}"))),
            (Self::Authenticated | Self::Claim { .. }, None) => {
                Err(Refusal::Unauthenticated(format!("it asks for {self}")))
            }
        }
    }
}

impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Anybody => f.write_str("anybody"),
            Self::Authenticated => f.write_str("an authenticated caller"),
            Self::Claim { name, value } => write!(f, "the claim {name} = {value}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::Proof;

    #[test]
    fn a_requirement_is_met_by_no_less_than_it_asks() {
        let admin = Requirement::Claim { name: "role", value: "admin" };
        let nobody = None;
        let bob = Principal::new("bob", Proof::Token).claim("role", "editor").claim("rank", "admin");
        let alice = Principal::new("alice", Proof::Token).claim("role", "editor").claim("role", "admin");
        assert!(Requirement::Anybody.check(nobody).is_ok());
        assert!(matches!(Requirement::Authenticated.check(nobody), Err(Refusal::Unauthenticated(_))));
        assert!(matches!(admin.check(nobody), Err(Refusal::Unauthenticated(_))));
        assert!(Requirement::Authenticated.check(Some(&bob)).is_ok());
        assert!(matches!(admin.check(Some(&bob)), Err(Refusal::Forbidden(_))));
        assert!(admin.check(Some(&alice)).is_ok());
    }
}
