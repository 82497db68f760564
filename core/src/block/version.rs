//! What makes two versions of one block differ: a pure rule over what the macro saw of it and what
//! its types say.
//!
//! A call and the block that answers it must agree on two things: on the interface, which is the
//! captures with their names and the result, and on *which* block is meant. What is in the
//! body is the business of the peer that runs it. So the text of a body is part of a version only
//! where two blocks of one function could be taken for each other, or where `exact` asks for it.

use crate::util::fnv::Fnv;

/// What the macro knows of a block's version.
///
/// It is the same in every program that is built from the same sources, whatever `cfg` leaves out
/// there, and contains no path, no line, no comment and no layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source {
    /// What counts.
    pub rule: Rule,
    /// A hash of the function's name, of this block's number in it, and of all its blocks in
    /// order: how they are nested, the names of the captures and the destination of each.
    pub skeleton: u64,
    /// A hash of the function's name, of this block's number in it, and of the tokens of its body.
    pub body: u64,
    /// Whether another block of its function could be taken for it.
    pub twins: Twins,
    /// `CARGO_PKG_VERSION` of the crate that contains it, if cargo built it. It is no part of the
    /// version: it tells people which side is older.
    pub package: Option<&'static str>,
}

/// What counts for the version of a block, beside its interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// The blocks of its function, and its body where another one of them could be taken for it.
    Function,
    /// `exact`: its body.
    Exact,
    /// `name = ".."`: nothing.
    Named,
    /// `name = "..", evolving`: nothing, and its data may grow.
    Evolving,
}

/// Whether another block of its function could be taken for it: one with the same names of
/// captures and the same destination.
///
/// Only blocks under [`Rule::Function`] are looked at. Under another rule a block has another
/// fingerprint or another id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Twins {
    /// No other block could be taken for it.
    None,
    /// There is at least one in this group, which has this number in the function. All of them are
    /// compiled in every program, so their types decide.
    ByTypes(u32),
    /// There is at least one, and a `cfg` may leave some of them out, so that not every program
    /// knows the types of all: the body decides.
    ByBody,
}

impl Source {
    /// What says nothing of a function: a block of this body, for those that no macro made.
    #[must_use]
    pub const fn exact(body: u64) -> Self {
        Self { rule: Rule::Exact, skeleton: 0, body, twins: Twins::None, package: None }
    }

    /// The version of the block.
    ///
    /// `captures` is a hash of the names and the shapes of what arrives, `result` one of the shape
    /// of the result. `has_twin` says whether another block of the same function and the same
    /// group has the same ones.
    #[must_use]
    pub const fn fingerprint(&self, captures: u64, result: u64, has_twin: bool) -> u64 {
        let body_counts = match self.rule {
            Rule::Exact => true,
            Rule::Function => match self.twins {
                Twins::None => false,
                Twins::ByTypes(_) => has_twin,
                Twins::ByBody => true,
            },
            Rule::Named | Rule::Evolving => false,
        };
        let hash = Fnv::new().number(self.rule.number()).number(captures).number(result);
        let hash = match self.rule {
            Rule::Function => hash.number(self.skeleton),
            Rule::Exact | Rule::Named | Rule::Evolving => hash,
        };
        let hash = if body_counts { hash.number(self.body) } else { hash };
        hash.get()
    }
}

impl Rule {
    /// Part of each fingerprint; changing one refuses all blocks under it.
    const fn number(self) -> u64 {
        match self {
            Self::Function => 0,
            Self::Exact => 1,
            Self::Named => 2,
            Self::Evolving => 3,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: [Rule; 4] = [Rule::Function, Rule::Exact, Rule::Named, Rule::Evolving];
    const TWINS: [Twins; 3] = [Twins::None, Twins::ByTypes(0), Twins::ByBody];

    fn source(rule: Rule, twins: Twins) -> Source {
        Source { rule, skeleton: 1, body: 2, twins, package: None }
    }

    /// Whether the fingerprint differs where only the body, and where only the skeleton does.
    fn counts(rule: Rule, twins: Twins, has_twin: bool) -> (bool, bool) {
        let of = |source: Source| source.fingerprint(3, 4, has_twin);
        let one = source(rule, twins);
        (of(one) != of(Source { body: 9, ..one }), of(one) != of(Source { skeleton: 9, ..one }))
    }

    #[test]
    fn interface_counts_under_each_rule() {
        for (rule, twins) in RULES.into_iter().flat_map(|rule| TWINS.map(|twins| (rule, twins))) {
            let of = |captures, result| source(rule, twins).fingerprint(captures, result, false);
            assert_ne!(of(3, 4), of(9, 4), "{rule:?} {twins:?}");
            assert_ne!(of(3, 4), of(3, 9), "{rule:?} {twins:?}");
            assert_ne!(of(3, 4), of(4, 3), "{rule:?} {twins:?}");
        }
    }

    #[test]
    fn each_rule_counts_what_it_says() {
        for (twins, has_twin) in TWINS.into_iter().flat_map(|twins| [(twins, false), (twins, true)]) {
            assert_eq!(counts(Rule::Exact, twins, has_twin), (true, false), "{twins:?} {has_twin}");
            assert_eq!(counts(Rule::Named, twins, has_twin), (false, false), "{twins:?} {has_twin}");
            assert_eq!(counts(Rule::Evolving, twins, has_twin), (false, false), "{twins:?} {has_twin}");
            let body = match twins {
                Twins::None => false,
                Twins::ByTypes(_) => has_twin,
                Twins::ByBody => true,
            };
            assert_eq!(counts(Rule::Function, twins, has_twin), (body, true), "{twins:?} {has_twin}");
        }
    }

    /// A block that gets a twin, or another rule, is no longer the one that was meant.
    #[test]
    fn what_counts_is_part_of_the_version() {
        let mut all: Vec<_> = RULES.map(|rule| source(rule, Twins::None).fingerprint(3, 4, false)).to_vec();
        all.push(source(Rule::Function, Twins::ByTypes(0)).fingerprint(3, 4, true));
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
    }

    /// How a twin was ruled out does not matter, nor does the version of the package.
    #[test]
    fn numbers_of_groups_and_packages_do_not_count() {
        let alone = source(Rule::Function, Twins::None).fingerprint(3, 4, false);
        assert_eq!(alone, source(Rule::Function, Twins::ByTypes(7)).fingerprint(3, 4, false));
        assert_eq!(
            alone,
            Source { package: Some("1.2.3"), ..source(Rule::Function, Twins::None) }.fingerprint(3, 4, false)
        );
    }
}
