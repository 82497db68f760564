//! What a block is called, where it stands, and which version of it this binary has.

use std::any::type_name;
use std::fmt;
use std::sync::OnceLock;

use serde::Deserialize;

use crate::auth::Requirement;
use crate::hash::Fnv;
use crate::{shape, type_names};

/// Names a block across binaries: a 64-bit hash of module path, function name and ordinal, or of the name that
/// `#[block(name = "..")]` gives it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BlockId(pub(crate) u64);

/// Tells two versions of one block apart: a 64-bit hash of its tokens, the names of its captures, and the shapes of its
/// captures and its result, down to the last field of the last variant.
///
/// Neither the build machine's paths nor line numbers nor comments count, so moving a file or adding a comment
/// changes nothing; editing the body does, unless the block has a name of its own: then only its interface counts.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint(pub(crate) u64);

impl BlockId {
    #[doc(hidden)]
    #[must_use]
    pub const fn of_path(path: &str) -> Self {
        Self(Fnv::new().bytes(path.as_bytes()).get())
    }

    /// No path begins like this, so no name is taken for one.
    const fn of_name(name: &str) -> Self {
        Self(Fnv::new().bytes(b"#").bytes(name.as_bytes()).get())
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

/// The description of one `remote!` block, made by `#[distributed]` as a static.
#[derive(Debug)]
#[non_exhaustive]
pub struct Block {
    /// Its name on the wire.
    pub id: BlockId,
    /// The name that `#[block(name = "..")]` gives it.
    pub name: Option<&'static str>,
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
    /// What it asks of its caller.
    pub requires: Requirement,
    /// The hash of what the macro saw of it.
    source: u64,
    /// What only its types say, once it is registered.
    interface: OnceLock<Interface>,
}

#[derive(Debug)]
struct Interface {
    fingerprint: Fingerprint,
    capture_types: Vec<String>,
    result_type: String,
    opaque: Option<String>,
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
        source: u64,
    ) -> Self {
        Self {
            id: BlockId::of_path(path),
            name: None,
            path,
            module,
            file,
            line,
            captures,
            requires: Requirement::Anybody,
            source,
            interface: OnceLock::new(),
        }
    }

    #[doc(hidden)]
    #[must_use]
    pub const fn named(
        name: &'static str,
        path: &'static str,
        module: &'static str,
        file: &'static str,
        line: u32,
        captures: &'static [&'static str],
        source: u64,
    ) -> Self {
        let mut block = Self::new(path, module, file, line, captures, source);
        block.id = BlockId::of_name(name);
        block.name = Some(name);
        block
    }

    /// The same block, which asks this of its caller.
    #[doc(hidden)]
    #[must_use]
    pub const fn requiring(mut self, requires: Requirement) -> Self {
        self.requires = requires;
        self
    }

    /// Its version. It is whole as soon as a peer has been started in this process, before which nothing is called.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        self.interface.get().map_or(Fingerprint(self.source), |interface| interface.fingerprint)
    }

    /// The types of its captures, without their modules; known as soon as a peer has been started in this process.
    #[must_use]
    pub fn capture_types(&self) -> &[String] {
        self.interface.get().map_or(&[], |interface| &interface.capture_types)
    }

    /// The type of its result, without its modules; known as soon as a peer has been started in this process.
    #[must_use]
    pub fn result_type(&self) -> &str {
        self.interface.get().map_or("", |interface| &interface.result_type)
    }

    /// A type among its captures and its result whose inside is not part of the fingerprint, because it cannot be
    /// deserialized from dummies. A change in it is noticed only where its name changes.
    #[must_use]
    pub fn opaque_type(&self) -> Option<&str> {
        self.interface.get()?.opaque.as_deref()
    }

    /// Completes its version with the shapes of what arrives and of the result.
    pub(crate) fn settle<W: Deserialize<'static>, R: Deserialize<'static>>(&self) {
        self.interface.get_or_init(|| {
            let (captures, result) = (shape::of::<W>(), shape::of::<R>());
            let hash = Fnv::new().number(self.source).number(captures.hash).number(result.hash);
            Interface {
                fingerprint: Fingerprint(hash.get()),
                capture_types: type_names::of_tuple(type_name::<W>(), self.captures.len()),
                result_type: type_names::short(type_name::<R>()),
                opaque: captures.opaque.or(result.opaque).map(type_names::short),
            }
        });
    }
}

impl fmt::Display for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` ({}:{})", self.path, self.file, self.line)
    }
}
