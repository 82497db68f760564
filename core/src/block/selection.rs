//! Which blocks a peer runs for others.

use std::fmt;
use std::sync::Arc;

use crate::block::Block;

/// A choice of blocks: which of them a peer runs for others. The default is empty.
///
/// A peer always runs its own blocks for itself.
#[derive(Clone, Default)]
pub struct Blocks(Vec<Rule>);

#[derive(Clone)]
enum Rule {
    All,
    Module(String),
    Named(String),
    Matching(Arc<dyn Fn(&Block) -> bool + Send + Sync>),
}

impl Blocks {
    /// No block.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Every block of this binary.
    #[must_use]
    pub fn all() -> Self {
        Self(vec![Rule::All])
    }

    /// The blocks of a module and of the modules within it, for example
    /// `Blocks::of("shop::orders")`.
    #[must_use]
    pub fn of(module: impl Into<String>) -> Self {
        Self(vec![Rule::Module(module.into())])
    }

    /// The blocks of a function (`"shop::orders::checkout"`), one block of it
    /// (`"shop::orders::checkout#1"`), or the block with this name of its own (`"checkout"`).
    #[must_use]
    pub fn named(path: impl Into<String>) -> Self {
        Self(vec![Rule::Named(path.into())])
    }

    /// Whether no block can be among them.
    pub(crate) fn is_none(&self) -> bool {
        self.0.is_empty()
    }

    /// The blocks for which `rule` is true.
    #[must_use]
    pub fn matching(rule: impl Fn(&Block) -> bool + Send + Sync + 'static) -> Self {
        Self(vec![Rule::Matching(Arc::new(rule))])
    }

    /// These blocks and those of `other`.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// Whether `block` is among them.
    #[must_use]
    pub fn contains(&self, block: &Block) -> bool {
        self.0.iter().any(|rule| match rule {
            Rule::All => true,
            Rule::Module(module) => is_within(block.module, module),
            Rule::Named(path) => {
                block.name.is_some_and(|name| name == path)
                    || block.path == path
                    || block.path.rsplit_once('#').is_some_and(|(f, _)| f == path)
            }
            Rule::Matching(matches) => matches(block),
        })
    }
}

fn is_within(module: &str, parent: &str) -> bool {
    module.strip_prefix(parent).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

impl fmt::Debug for Blocks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.0.iter().map(|rule| match rule {
                Rule::All => "all".to_owned(),
                Rule::Module(module) => format!("of {module}"),
                Rule::Named(path) => format!("named {path}"),
                Rule::Matching(_) => "matching a rule".to_owned(),
            }))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::block::version::Source;

    static ONE: Block = Block::new(
        "shop::orders::checkout#1",
        "shop::orders",
        "src/orders.rs",
        7,
        &["cart"],
        Source::exact(1),
    );

    #[test]
    fn a_choice_of_blocks_follows_module_function_and_ordinal() {
        assert!(Blocks::all().contains(&ONE));
        assert!(!Blocks::none().contains(&ONE));
        assert!(Blocks::of("shop").contains(&ONE));
        assert!(!Blocks::of("sho").contains(&ONE));
        assert!(Blocks::named("shop::orders::checkout").contains(&ONE));
        assert!(Blocks::named("shop::orders::checkout#1").contains(&ONE));
        assert!(!Blocks::named("shop::orders::checkout#2").contains(&ONE));
        static NAMED: Block =
            Block::named("search", "shop::find#0", "shop", "src/find.rs", 1, &[], Source::exact(1));
        assert!(Blocks::named("search").contains(&NAMED));
        assert!(!Blocks::named("search").contains(&ONE));
        assert!(Blocks::of("other").and(Blocks::matching(|b| b.line == 7)).contains(&ONE));
    }
}
