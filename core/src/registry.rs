//! The blocks that this binary contains, and which of them a peer runs for others.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};

use rustc_hash::FxHashMap;

use crate::block::{Block, BlockId, Fingerprint};
use crate::codec::{Codec, DecodeError, EncodeError};
use crate::error::Refusal;
use crate::raised::Raised;

/// A running block: ends with its encoded result, behind the room for the frame's header that was asked for.
///
/// It lives on the thread where it was started, because a block's body need not be `Send`.
pub type Body = Pin<Box<dyn Future<Output = Result<Vec<u8>, BodyError>>>>;

/// How a block's body ends when it does not end in its value.
#[derive(Debug)]
pub enum BodyError {
    /// It raised an error.
    Raised(Raised),
    /// Its value cannot be written.
    Encode(EncodeError),
}

type Start = Box<dyn Fn(&[u8], Codec, usize) -> Result<Body, DecodeError> + Send + Sync>;

/// One block of this binary, and the way to run it.
pub struct Entry {
    block: Block,
    start: Start,
}

impl Entry {
    /// Its description.
    #[must_use]
    pub fn block(&self) -> &Block {
        &self.block
    }

    /// Decodes the captures and makes the body, which runs when it is polled. `head` bytes are left free before
    /// the result.
    pub fn start(&self, captures: &[u8], codec: Codec, head: usize) -> Result<Body, DecodeError> {
        (self.start)(captures, codec, head)
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry").field("block", &self.block).finish_non_exhaustive()
    }
}

/// What a `#[distributed]` function submits at link time: a function that registers its blocks.
#[doc(hidden)]
#[derive(Debug)]
pub struct Registration(pub fn(&mut Registrar));

inventory::collect!(Registration);

/// Collects the blocks of this binary; only generated code calls it.
#[doc(hidden)]
#[derive(Debug, Default)]
pub struct Registrar {
    entries: FxHashMap<BlockId, Entry>,
    duplicates: Vec<DuplicateBlock>,
}

impl Registrar {
    pub(crate) fn add(&mut self, block: Block, start: Start) {
        match self.entries.get(&block.id) {
            Some(first) => {
                self.duplicates.push(DuplicateBlock { first: first.block.into(), second: block.into() });
            }
            None => drop(self.entries.insert(block.id, Entry { block, start })),
        }
    }
}

/// Two blocks of this binary have one id, so a call could run either.
#[derive(Clone, Debug, thiserror::Error)]
#[error(
    "two blocks have the id {}: {first} and {second}; rename one of the functions, or move it to another module",
    first.id
)]
pub struct DuplicateBlock {
    /// The one that was registered first.
    pub first: Box<Block>,
    /// The one that was registered after it.
    pub second: Box<Block>,
}

/// All blocks of this binary.
#[derive(Debug)]
pub struct Registry {
    entries: FxHashMap<BlockId, Entry>,
}

impl Registry {
    /// The registry of this process. It is built at the first use and never changes.
    pub fn of_process() -> Result<&'static Self, DuplicateBlock> {
        static REGISTRY: OnceLock<Result<Registry, DuplicateBlock>> = OnceLock::new();
        let registry = REGISTRY.get_or_init(|| {
            let mut registrar = Registrar::default();
            for Registration(register) in inventory::iter::<Registration> {
                register(&mut registrar);
            }
            Self::of(registrar)
        });
        registry.as_ref().map_err(Clone::clone)
    }

    fn of(registrar: Registrar) -> Result<Self, DuplicateBlock> {
        match registrar.duplicates.into_iter().next() {
            Some(duplicate) => Err(duplicate),
            None => Ok(Self { entries: registrar.entries }),
        }
    }

    /// All blocks, ordered by path.
    #[must_use]
    pub fn blocks(&self) -> Vec<&Block> {
        let mut blocks: Vec<_> = self.entries.values().map(Entry::block).collect();
        blocks.sort_by_key(|block| block.path);
        blocks
    }

    /// A digest of all blocks and their versions: two programs with the same one have the same blocks.
    #[must_use]
    pub fn digest(&self) -> u64 {
        // The sum does not depend on the order, and the multiplication keeps an id and a fingerprint together.
        self.entries.values().fold(0, |digest, Entry { block, .. }| {
            let one = block.id.get().wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ block.fingerprint.get();
            digest.wrapping_add(one.wrapping_mul(0xD6E8_FEB8_6659_FD93))
        })
    }

    /// The block with this id and version, or the refusal that a caller gets instead.
    pub fn find(&self, id: BlockId, fingerprint: Fingerprint) -> Result<&Entry, Refusal> {
        let entry = self.entries.get(&id).ok_or(Refusal::UnknownBlock)?;
        let block = &entry.block;
        if block.fingerprint == fingerprint {
            return Ok(entry);
        }
        Err(Refusal::Skew {
            ours: fingerprint.to_string(),
            theirs: block.fingerprint.to_string(),
            location: format!("{}:{}", block.file, block.line),
        })
    }
}

/// A choice of blocks: which of them a peer runs for others. The default is none.
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

    /// The blocks of a module and of the modules within it, for example `Blocks::of("shop::orders")`.
    #[must_use]
    pub fn of(module: impl Into<String>) -> Self {
        Self(vec![Rule::Module(module.into())])
    }

    /// The blocks of a function (`"shop::orders::checkout"`), or one block of it (`"shop::orders::checkout#1"`).
    #[must_use]
    pub fn named(path: impl Into<String>) -> Self {
        Self(vec![Rule::Named(path.into())])
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
                block.path == path || block.path.rsplit_once('#').is_some_and(|(f, _)| f == path)
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

    const ONE: Block =
        Block::new("shop::orders::checkout#1", "shop::orders", "src/orders.rs", 7, &["cart"], 1);
    const SAME: Block =
        Block::new("shop::orders::checkout#1", "shop::orders", "src/copy.rs", 9, &["cart"], 2);

    fn start() -> Start {
        Box::new(|_, _, _| Ok(Box::pin(async { Ok(Vec::new()) })))
    }

    #[test]
    fn two_blocks_with_one_id_are_refused_with_both_locations() {
        let mut registrar = Registrar::default();
        registrar.add(ONE, start());
        registrar.add(SAME, start());
        let message = Registry::of(registrar).unwrap_err().to_string();
        assert!(message.contains("src/orders.rs:7") && message.contains("src/copy.rs:9"), "{message}");
    }

    #[test]
    fn another_version_of_a_block_is_refused_with_both_fingerprints() {
        let mut registrar = Registrar::default();
        registrar.add(ONE, start());
        let registry = Registry::of(registrar).unwrap();
        assert!(registry.find(ONE.id, ONE.fingerprint).is_ok());
        let Refusal::Skew { ours, theirs, location } = registry.find(ONE.id, SAME.fingerprint).unwrap_err()
        else {
            panic!("not a skew");
        };
        assert_eq!((ours.as_str(), theirs.as_str()), ("0000000000000002", "0000000000000001"));
        assert_eq!(location, "src/orders.rs:7");
    }

    #[test]
    fn a_choice_of_blocks_follows_module_function_and_ordinal() {
        assert!(Blocks::all().contains(&ONE));
        assert!(!Blocks::none().contains(&ONE));
        assert!(Blocks::of("shop").contains(&ONE));
        assert!(!Blocks::of("sho").contains(&ONE));
        assert!(Blocks::named("shop::orders::checkout").contains(&ONE));
        assert!(Blocks::named("shop::orders::checkout#1").contains(&ONE));
        assert!(!Blocks::named("shop::orders::checkout#2").contains(&ONE));
        assert!(Blocks::of("other").and(Blocks::matching(|b| b.line == 7)).contains(&ONE));
    }
}
