//! The name of a block, its place in the source, and which version of it this binary has.

pub(crate) mod raised;
pub(crate) mod selection;
pub(crate) mod shape;
pub(crate) mod type_names;
pub(crate) mod version;

use std::fmt;
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

use crate::auth::Requirement;
use crate::block::shape::{CannotTravel, Description, Shape, Subject};
use crate::block::version::{Rule, Source, Twins};
use crate::registry::Registry;
use crate::util::fnv::Fnv;
use crate::wire::codec::{Carriage, Codec, TupleLengths};

/// Names a block across binaries: a 64-bit hash of module path, function name and ordinal, or of
/// the name that `#[block(name = "..")]` gives it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BlockId(pub(crate) u64);

/// Tells two versions of one block apart: a 64-bit hash of its interface (the names of its
/// captures, and the shapes of its captures and its result, down to the last field of the last
/// variant) and of the blocks of its function, in their order.
///
/// The text of a body does not count, so a server can be fixed without breaking its clients. It
/// counts where two blocks of one function could be taken for each other, and where `exact` asks
/// for it. Neither the build machine's paths nor line numbers nor comments count.
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

    /// The id as it is in a frame.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl Fingerprint {
    /// The fingerprint as it is in a frame.
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
    /// The module that contains it.
    pub module: &'static str,
    /// The source file, as rustc was given it.
    pub file: &'static str,
    /// The line of its `remote!`, counted from 1.
    pub line: u32,
    /// The names of its captures, in the order in which they travel.
    pub captures: &'static [&'static str],
    /// What it asks of its caller.
    pub requires: Requirement,
    /// Whether each call of it ends with the connection that it was sent on, as with
    /// [`Call::without_resume`](crate::Call::without_resume). A rule of the program that calls: it
    /// does not count for the version.
    pub is_without_resume: bool,
    /// What the macro says of its version.
    source: Source,
    /// How its types are looked at, once it is registered.
    types: OnceLock<Types>,
    /// What its types are, once they have been looked at.
    shapes: OnceLock<Shapes>,
    /// Its version and its interface, once they have been asked for.
    interface: OnceLock<Interface>,
}

/// How the types of a block are looked at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Types {
    captures: Subject,
    result: Subject,
}

impl Types {
    pub(crate) fn of<W, R>() -> Self
    where
        W: Serialize + Deserialize<'static>,
        R: Serialize + Deserialize<'static>,
    {
        Self { captures: Subject::of::<W>(), result: Subject::of::<R>() }
    }

    fn each<T>(&self, look: fn(&Subject) -> T) -> (T, T) {
        (look(&self.captures), look(&self.result))
    }
}

#[derive(Debug)]
struct Shapes {
    captures: Shape,
    result: Shape,
}

#[derive(Debug)]
struct Interface {
    fingerprint: Fingerprint,
    capture_types: Vec<String>,
    result_type: String,
}

/// How values travel of which no types are known, because the block was never registered.
static PLAIN: Carriage = Carriage::new(Codec::Bincode, None, TupleLengths::new());

impl Block {
    #[doc(hidden)]
    #[must_use]
    pub const fn new(
        path: &'static str,
        module: &'static str,
        file: &'static str,
        line: u32,
        captures: &'static [&'static str],
        source: Source,
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
            is_without_resume: false,
            source,
            types: OnceLock::new(),
            shapes: OnceLock::new(),
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
        source: Source,
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

    /// The same block, whose calls end with their connections.
    #[doc(hidden)]
    #[must_use]
    pub const fn without_resume(mut self) -> Self {
        self.is_without_resume = true;
        self
    }

    /// Its version.
    ///
    /// The first time, this deserializes made-up values of its types, to see what they consist of.
    #[must_use]
    #[inline]
    pub fn fingerprint(&self) -> Fingerprint {
        match self.interface() {
            Some(interface) => interface.fingerprint,
            None => Fingerprint(self.source.body),
        }
    }

    /// The types of its captures, without their modules.
    #[must_use]
    pub fn capture_types(&self) -> &[String] {
        self.interface().map_or(&[], |interface| &interface.capture_types)
    }

    /// The type of its result, without its modules.
    #[must_use]
    pub fn result_type(&self) -> &str {
        self.interface().map_or("", |interface| &interface.result_type)
    }

    /// A type among its captures and its result whose inside is not part of the fingerprint,
    /// because it cannot be deserialized from made-up values. A change in it is noticed only
    /// where its name changes.
    #[must_use]
    pub fn opaque_type(&self) -> Option<String> {
        let Shapes { captures, result } = self.shapes()?;
        captures.opaque.or(result.opaque).map(type_names::short)
    }

    /// The codec that its captures travel by, if they can travel.
    #[must_use]
    pub fn captures_codec(&self) -> Option<Codec> {
        self.captures_carriage().ok().map(Carriage::codec)
    }

    /// The codec that its result travels by, if it can travel.
    #[must_use]
    pub fn result_codec(&self) -> Option<Codec> {
        self.result_carriage().ok().map(Carriage::codec)
    }

    /// The version of the package that contains it, if cargo built it.
    #[must_use]
    pub fn package_version(&self) -> Option<&'static str> {
        self.source.package
    }

    /// How its captures travel.
    #[inline]
    pub(crate) fn captures_carriage(&self) -> Result<&Carriage, &CannotTravel> {
        self.shapes().map_or(Ok(&PLAIN), |shapes| shapes.captures.carriage.as_ref())
    }

    /// How its result travels.
    #[inline]
    pub(crate) fn result_carriage(&self) -> Result<&Carriage, &CannotTravel> {
        self.shapes().map_or(Ok(&PLAIN), |shapes| shapes.result.carriage.as_ref())
    }

    /// What the macro says of its version.
    pub(crate) fn source(&self) -> &Source {
        &self.source
    }

    /// What its captures and its result consist of, to be told to a peer that has another version.
    pub(crate) fn describe(&self) -> Option<(Description, Description)> {
        self.types.get().map(|types| types.each(shape::describe))
    }

    /// Says how its types are looked at. They are not, yet: that runs code of theirs.
    pub(crate) fn register(&self, types: Types) {
        // A block that is registered twice has the same types.
        let _ = self.types.set(types);
    }

    /// Whether it has this version, and the version says which function it stands in, if not in
    /// which module.
    pub(crate) fn is_told_by_its_function(&self, fingerprint: Fingerprint) -> bool {
        self.source.rule == Rule::Function && self.fingerprint() == fingerprint
    }

    /// The part of its path that names its function.
    pub(crate) fn function(&self) -> &'static str {
        self.path.rsplit_once('#').map_or(self.path, |(function, _)| function)
    }

    #[inline]
    fn shapes(&self) -> Option<&Shapes> {
        self.shapes.get().or_else(|| self.look_at_types())
    }

    #[cold]
    fn look_at_types(&self) -> Option<&Shapes> {
        if self.types.get().is_none() {
            // No peer of the program may have been started yet. Two blocks with one id are
            // reported when a peer starts.
            let _ = Registry::of_process();
        }
        let types = self.types.get()?;
        Some(self.shapes.get_or_init(|| {
            let look = if self.source.rule == Rule::Evolving { shape::of_evolving } else { shape::of };
            let (captures, result) = types.each(look);
            Shapes { captures, result }
        }))
    }

    #[inline]
    fn interface(&self) -> Option<&Interface> {
        self.interface.get().or_else(|| self.make_interface())
    }

    #[cold]
    fn make_interface(&self) -> Option<&Interface> {
        let (captures, result) = self.hashes()?;
        let types = self.types.get()?;
        Some(self.interface.get_or_init(|| {
            let has_twin = self.may_have_twin() && self.has_twin();
            Interface {
                fingerprint: Fingerprint(self.source.fingerprint(captures, result, has_twin)),
                capture_types: type_names::of_tuple(types.captures.name, self.captures.len()),
                result_type: type_names::short(types.result.name),
            }
        }))
    }

    /// The hashes of what is captured, with the names, and of the result.
    fn hashes(&self) -> Option<(u64, u64)> {
        let Shapes { captures, result } = self.shapes()?;
        let names = self.captures.iter().fold(Fnv::new(), |hash, name| hash.word(name));
        Some((names.number(captures.hash).get(), result.hash))
    }

    /// Whether another block of its function looks like it, so that their types decide.
    pub(crate) fn may_have_twin(&self) -> bool {
        matches!(self.source.twins, Twins::ByTypes(_))
    }

    /// Whether another block of its function has the same interface, so that the two could be
    /// taken for each other.
    fn has_twin(&self) -> bool {
        let Ok(registry) = Registry::of_process() else { return true };
        let mut others = registry.alike(self.function()).iter().filter(|other| other.id != self.id);
        others.any(|other| other.source.twins == self.source.twins && other.hashes() == self.hashes())
    }
}

impl fmt::Display for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` ({}:{})", self.path, self.file, self.line)
    }
}
