//! The blocks that this binary contains.

pub(crate) mod duplicate;
pub(crate) mod listing;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::OnceLock;

use rustc_hash::FxHashMap;
use serde::Deserialize;

use crate::block::raised::Raised;
use crate::block::selection::Blocks;
use crate::block::shape::CannotTravel;
use crate::block::{Block, BlockId, Fingerprint};
use crate::call::blocking::Blocking;
use crate::error::{Mismatch, Refusal};
use crate::registry::duplicate::DuplicateBlock;
use crate::registry::listing::Listing;
use crate::util::guard::Panic;
use crate::util::log_limit::Doubling;
use crate::util::sorted;
use crate::wire::codec::{Codec, DecodeError, EncodeError, Written};

/// A running block: ends with its encoded result, behind the room for the frame's header that was
/// asked for.
///
/// It lives on the thread where it was started, because a block's body need not be `Send`.
pub type Body = Pin<Box<dyn Future<Output = Outcome>>>;

/// How a block's body ends.
pub type Outcome = Result<Written, BodyError>;

/// What runs.
#[expect(missing_debug_implementations, reason = "a future has none")]
pub enum Work {
    /// A future, on the thread where it was started.
    Here(Body),
    /// A function, on the blocking pool.
    Blocking(Blocking),
}

/// How a block's body ends when it does not end in its value.
#[derive(Debug)]
pub enum BodyError {
    /// It raised an error.
    Raised(Raised),
    /// Its value cannot be written.
    Encode(EncodeError),
    /// No value of its type can be written. Looked at before it runs.
    CannotTravel(String),
    /// It panicked on the blocking pool.
    Panicked(Panic),
    /// Its deadline has passed, and nothing of it ran.
    TooLate,
    /// Its caller has stopped waiting, or its peer has ended, and nothing of it ran.
    NotBegun,
}

impl BodyError {
    #[cold]
    pub(crate) fn cannot_travel(reason: &CannotTravel) -> Self {
        Self::CannotTravel(reason.to_string())
    }
}

type Start = Box<dyn Fn(Arrived<'_>, usize) -> Result<Started, DecodeError> + Send + Sync>;

/// A block that can run.
pub struct Started {
    /// What runs.
    pub work: Work,
    /// How many bytes of memory its captures take beside it, about.
    pub captured: usize,
}

impl fmt::Debug for Started {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Started").field("captured", &self.captured).finish_non_exhaustive()
    }
}

/// Captures that have arrived.
#[derive(Clone, Copy, Debug)]
pub struct Arrived<'a> {
    /// How they are encoded.
    pub codec: Codec,
    /// [`Limits::max_decode_memory`](crate::Limits::max_decode_memory) of the peer that decodes
    /// them.
    pub memory: usize,
    /// The captures.
    pub bytes: &'a [u8],
}

impl Arrived<'_> {
    /// The captures, and how many bytes of memory they take, about.
    pub(crate) fn decode<T: Deserialize<'static>>(self) -> Result<(T, usize), DecodeError> {
        let (captures, counted) = self.codec.decode_counted(self.memory, self.bytes)?;
        // What was not counted, as texts, is as long as on the wire.
        Ok((captures, counted + self.bytes.len()))
    }
}

/// One block of this binary, and the way to run it.
pub struct Entry {
    block: &'static Block,
    start: Start,
    panics: Doubling,
}

impl Entry {
    /// What of its panics is logged.
    pub(crate) fn panics(&self) -> &Doubling {
        &self.panics
    }

    /// Its description.
    #[must_use]
    pub fn block(&self) -> &'static Block {
        self.block
    }

    /// It, if it has this version and its result can travel; or the refusal that a caller gets
    /// instead.
    #[inline]
    pub(crate) fn in_version(&self, fingerprint: Fingerprint) -> Result<&Self, Refusal> {
        if self.block.fingerprint() == fingerprint && self.block.result_carriage().is_ok() {
            Ok(self)
        } else {
            Err(self.refusal(fingerprint))
        }
    }

    #[cold]
    fn refusal(&self, fingerprint: Fingerprint) -> Refusal {
        match self.block.result_carriage() {
            Err(reason) if self.block.fingerprint() == fingerprint => {
                Refusal::CannotTravel(reason.to_string())
            }
            _ => Refusal::Skew(Box::new(Mismatch::refused(self.block, fingerprint))),
        }
    }

    /// Decodes the captures and makes the body, of which nothing runs yet. `head` bytes are left
    /// free before the result.
    pub fn start(&self, captures: Arrived<'_>, head: usize) -> Result<Started, DecodeError> {
        (self.start)(captures, head)
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
    /// Blocks whose bodies are not compiled here. They can be called on others.
    declared: Vec<&'static Block>,
    duplicates: Vec<DuplicateBlock>,
}

impl Registrar {
    pub(crate) fn add(&mut self, block: &'static Block, start: Start) {
        match self.entries.get(&block.id) {
            Some(first) => self.duplicates.push(DuplicateBlock { first: first.block, second: block }),
            None => drop(self.entries.insert(block.id, Entry { block, start, panics: Doubling::default() })),
        }
    }

    pub(crate) fn declare(&mut self, block: &'static Block) {
        self.declared.push(block);
    }
}

/// All blocks of this binary.
#[derive(Debug)]
pub struct Registry {
    entries: FxHashMap<BlockId, Entry>,
    /// Ordered by id.
    declared: Vec<&'static Block>,
    /// Blocks that could be taken for one another, ordered by their functions.
    alike: Vec<&'static Block>,
    /// Once it has been asked for.
    digest: OnceLock<u64>,
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
            None => {
                let Registrar { entries, mut declared, .. } = registrar;
                declared.retain(|block| !entries.contains_key(&block.id));
                sorted::by_key(&mut declared, |block| block.id);
                declared.dedup_by_key(|block| block.id);
                let all = entries.values().map(Entry::block).chain(declared.iter().copied());
                let mut alike: Vec<_> = all.filter(|block| block.may_have_twin()).collect();
                sorted::by_key(&mut alike, |block| block.function());
                Ok(Self { entries, declared, alike, digest: OnceLock::new() })
            }
        }
    }

    /// All that this binary can run.
    pub(crate) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values()
    }

    /// All blocks that this binary can run, ordered by path.
    #[must_use]
    pub fn blocks(&self) -> Vec<&'static Block> {
        let mut blocks: Vec<_> = self.entries.values().map(Entry::block).collect();
        sorted::by_key(&mut blocks, |block| block.path);
        blocks
    }

    /// All blocks that this binary knows, ordered by path: those that it can run, and those whose
    /// bodies a `cfg` left out, which it can call.
    #[must_use]
    pub fn known(&self) -> Vec<&'static Block> {
        let mut blocks: Vec<_> = self.all().collect();
        sorted::by_key(&mut blocks, |block| block.path);
        blocks
    }

    fn all(&self) -> impl Iterator<Item = &'static Block> {
        self.entries.values().map(Entry::block).chain(self.declared.iter().copied())
    }

    /// The blocks of the function with this path that could be taken for one another.
    pub(crate) fn alike(&self, function: &str) -> &[&'static Block] {
        let begin = self.alike.partition_point(|block| block.function() < function);
        let rest = self.alike.get(begin..).unwrap_or_default();
        let count = rest.partition_point(|block| block.function() == function);
        rest.get(..count).unwrap_or_default()
    }

    /// The block with this id that this binary can run or call.
    #[must_use]
    pub fn block(&self, id: BlockId) -> Option<&'static Block> {
        let declared = || self.declared.get(self.declared.binary_search_by_key(&id, |block| block.id).ok()?);
        self.entries.get(&id).map(Entry::block).or_else(|| declared().copied())
    }

    /// Whether this binary can run the block.
    #[must_use]
    pub fn can_run(&self, id: BlockId) -> bool {
        self.entries.contains_key(&id)
    }

    /// All blocks that this binary knows, as a table; `exposed` are those that a peer runs for
    /// others.
    #[must_use]
    pub fn list(&self, exposed: &Blocks) -> Listing {
        Listing::of(self, exposed)
    }

    /// The ids and versions of all blocks, as they are sent to another peer.
    #[must_use]
    pub fn catalogue(&self) -> Vec<(BlockId, Fingerprint)> {
        self.known().into_iter().map(|block| (block.id, block.fingerprint())).collect()
    }

    /// A digest of all blocks and their versions: two programs with the same one have the same
    /// blocks.
    ///
    /// The first time, this looks at the types of all blocks, which runs their `Deserialize` with
    /// made-up values.
    #[must_use]
    pub fn digest(&self) -> u64 {
        *self.digest.get_or_init(|| {
            self.tell_what_cannot_travel();
            digest(self.all().map(|block| (block.id, block.fingerprint())))
        })
    }

    /// Each of these blocks is refused when it is called; this is the earliest moment to know.
    fn tell_what_cannot_travel(&self) {
        for block in self.all() {
            let reasons = [block.captures_carriage().err(), block.result_carriage().err()];
            for reason in reasons.into_iter().flatten() {
                tracing::error!(%block, %reason, "block cannot be called");
            }
        }
    }

    /// The block with this id and version, or the refusal that a caller gets instead.
    pub fn find(&self, id: BlockId, fingerprint: Fingerprint) -> Result<&Entry, Refusal> {
        match self.entries.get(&id) {
            Some(entry) => entry.in_version(fingerprint),
            None => Err(Refusal::UnknownBlock { elsewhere: None }),
        }
    }
}

/// The sum does not depend on the order, and the multiplication keeps an id and a fingerprint
/// together.
pub(crate) fn digest(blocks: impl Iterator<Item = (BlockId, Fingerprint)>) -> u64 {
    blocks.fold(0, |digest, (id, fingerprint)| {
        let one = id.get().wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ fingerprint.get();
        digest.wrapping_add(one.wrapping_mul(0xD6E8_FEB8_6659_FD93))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::block::version::Source;
    use crate::channel::handle::Handles;

    static ONE: Block = Block::new(
        "shop::orders::checkout#1",
        "shop::orders",
        "src/orders.rs",
        7,
        &["cart"],
        Source::exact(1),
    );
    static SAME: Block =
        Block::new("shop::orders::checkout#1", "shop::orders", "src/copy.rs", 9, &["cart"], Source::exact(2));

    fn start() -> Start {
        Box::new(|_, _| {
            let written =
                || Written { codec: Codec::Bincode, bytes: Vec::new(), handles: Handles::default() };
            let body = Box::pin(async move { Ok(written()) });
            Ok(Started { work: Work::Here(body), captured: 0 })
        })
    }

    #[test]
    fn another_version_of_a_block_is_refused_with_both_fingerprints() {
        let mut registrar = Registrar::default();
        registrar.add(&ONE, start());
        let registry = Registry::of(registrar).unwrap();
        assert!(registry.find(ONE.id, ONE.fingerprint()).is_ok());
        let Refusal::Skew(mismatch) = registry.find(ONE.id, SAME.fingerprint()).unwrap_err() else {
            panic!("not a skew");
        };
        assert_eq!((mismatch.ours(), mismatch.theirs()), ("0000000000000002", "0000000000000001"));
        assert_eq!(mismatch.location(), "src/orders.rs:7");
    }
}
