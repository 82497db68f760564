//! What a block is called, where it stands, and which version of it this binary has.

use std::fmt;

/// Names a block across binaries: a 64-bit hash of module path, function name and ordinal.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BlockId(pub(crate) u64);

/// Tells two versions of one block apart: a 64-bit hash of its tokens and of the names of its captures.
///
/// Neither the build machine's paths nor line numbers nor comments count, so moving a file or adding a comment
/// changes nothing; editing the body does.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint(pub(crate) u64);

impl BlockId {
    #[doc(hidden)]
    #[must_use]
    pub const fn of_path(path: &str) -> Self {
        Self(fnv1a(path.as_bytes()))
    }

    /// The id as it stands in a frame.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl Fingerprint {
    /// The fingerprint as it stands in a frame.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

/// FNV-1a, because it can be computed while the user's crate compiles. An id need not resist an attacker: it
/// names what a peer has exposed, it does not grant anything, and two equal ids are refused at start.
const fn fnv1a(bytes: &[u8]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325;
    let mut index = 0;
    while index < bytes.len() {
        hash = (hash ^ bytes[index] as u64).wrapping_mul(0x0100_0000_01b3);
        index += 1;
    }
    hash
}

impl fmt::Display for BlockId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for BlockId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BlockId({self})")
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

/// The description of one `remote!` block, made by `#[distributed]` as a constant.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Block {
    /// Its name on the wire.
    pub id: BlockId,
    /// Its version.
    pub fingerprint: Fingerprint,
    /// Module path, function and ordinal, for example `shop::orders::checkout#1`.
    pub path: &'static str,
    /// The module it stands in.
    pub module: &'static str,
    /// The source file, as rustc was given it.
    pub file: &'static str,
    /// The line of its `remote!`, counted from 1.
    pub line: u32,
    /// The names of its captures, in the order in which they travel.
    pub captures: &'static [&'static str],
}

impl Block {
    #[doc(hidden)]
    #[must_use]
    pub const fn new(
        path: &'static str,
        module: &'static str,
        file: &'static str,
        line: u32,
        captures: &'static [&'static str],
        fingerprint: u64,
    ) -> Self {
        let id = BlockId::of_path(path);
        Self { id, fingerprint: Fingerprint(fingerprint), path, module, file, line, captures }
    }
}

impl fmt::Display for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` ({}:{})", self.path, self.file, self.line)
    }
}
