//! Finds files of one crate that depend on each other in a ring, with re-exports resolved.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use syn::visit::{self, Visit};
use syn::{Attribute, Item, ItemMod, ItemUse, UseTree};

/// The path of a module or of an item, from the root of the crate.
type Names = Vec<String>;

/// What a module has, as far as paths are concerned.
#[derive(Default)]
struct Module {
    file: PathBuf,
    /// The names that it defines, except modules.
    items: BTreeSet<String>,
    /// What its `use` declarations bring in: the name, and the path that it refers to.
    imports: BTreeMap<String, Names>,
    globs: Vec<Names>,
    /// All paths that it names, in declarations and in code.
    paths: Vec<Names>,
}

/// The modules of a crate by their paths, without those of unit tests.
pub(crate) struct Crate(BTreeMap<Names, Module>);

/// The files that each file of a crate depends on.
pub(crate) type Edges = BTreeMap<PathBuf, BTreeSet<PathBuf>>;

impl Crate {
    pub(crate) fn load(root: &Path) -> Self {
        let mut modules = Self(BTreeMap::new());
        modules.add_file(Vec::new(), root);
        modules
    }

    fn add_file(&mut self, path: Names, file: &Path) {
        let source = fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let parsed = syn::parse_file(&source).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        self.add(path, file, &parsed.items);
    }

    fn add(&mut self, path: Names, file: &Path, items: &[Item]) {
        let mut module = Module { file: file.to_owned(), ..Module::default() };
        for item in items {
            match item {
                Item::Mod(inner) if !is_for_tests(&inner.attrs) => self.add_module(&path, file, inner),
                item => module.items.extend(defined(item)),
            }
        }
        let mut names = Collector { path: &path, module: &mut module };
        items.iter().filter(|item| !matches!(item, Item::Mod(_))).for_each(|item| names.visit_item(item));
        self.0.insert(path, module);
    }

    fn add_module(&mut self, parent: &Names, file: &Path, module: &ItemMod) {
        let name = module.ident.to_string();
        let path = [&parent[..], std::slice::from_ref(&name)].concat();
        if let Some((_, items)) = &module.content {
            return self.add(path, file, items);
        }
        let stem = file.file_stem().unwrap_or_default();
        let folder = file.parent().unwrap_or(Path::new(""));
        let folder = if ["lib", "main", "mod"].iter().any(|is| stem == *is) {
            folder.to_owned()
        } else {
            folder.join(stem)
        };
        let candidates = [folder.join(format!("{name}.rs")), folder.join(&name).join("mod.rs")];
        if let Some(found) = candidates.iter().find(|candidate| candidate.exists()) {
            self.add_file(path, found);
        }
    }

    /// The file that defines what a path names; `None` for other crates and for modules.
    fn file_of(&self, path: &[String], left: usize) -> Option<&Path> {
        let mut at = Names::new();
        for (index, name) in path.iter().enumerate() {
            let inner = [&at[..], std::slice::from_ref(name)].concat();
            if self.0.contains_key(&inner) {
                at = inner;
                continue;
            }
            let module = self.0.get(&at)?;
            if module.items.contains(name) {
                return Some(&module.file);
            }
            let rest = &path[index + 1..];
            let targets = module.imports.get(name).map(|target| [&target[..], rest].concat());
            let globs = module.globs.iter().map(|glob| [&glob[..], &path[index..]].concat());
            return targets
                .into_iter()
                .chain(globs)
                .find_map(|target| self.file_of(&target, left.checked_sub(1)?));
        }
        None
    }

    pub(crate) fn edges(&self) -> Edges {
        let mut edges = Edges::new();
        for module in self.0.values() {
            let found = module.paths.iter().filter_map(|path| self.file_of(path, 16));
            let found = found.filter(|file| *file != module.file).map(Path::to_owned);
            edges.entry(module.file.clone()).or_default().extend(found);
        }
        edges
    }
}

/// The rings: sets of files of which each reaches each other one.
pub(crate) fn rings(edges: &Edges) -> Vec<BTreeSet<PathBuf>> {
    let reached: BTreeMap<_, _> = edges.keys().map(|file| (file, reachable(edges, file))).collect();
    let mut rings = BTreeSet::new();
    for (file, others) in &reached {
        let ring: BTreeSet<_> =
            others.iter().filter(|other| reached[other].contains(*file)).cloned().collect();
        if !ring.is_empty() {
            rings.insert(ring);
        }
    }
    rings.into_iter().collect()
}

fn reachable(edges: &Edges, from: &Path) -> BTreeSet<PathBuf> {
    let (mut seen, mut open) = (BTreeSet::new(), vec![from]);
    while let Some(file) = open.pop() {
        for next in edges.get(file).into_iter().flatten() {
            if seen.insert(next.clone()) {
                open.push(next);
            }
        }
    }
    seen
}

fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute.parse_args::<syn::Path>().is_ok_and(|flag| flag.is_ident("test"))
    })
}

fn defined(item: &Item) -> Option<String> {
    let name = match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Macro(item) => item.ident.as_ref()?,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::TraitAlias(item) => &item.ident,
        Item::Type(item) => &item.ident,
        Item::Union(item) => &item.ident,
        _ => return None,
    };
    Some(name.to_string())
}

/// Collects the paths of one module, each from the root of the crate.
struct Collector<'a> {
    path: &'a Names,
    module: &'a mut Module,
}

impl Collector<'_> {
    /// The path from the root; one that begins with another name may be of a module here, of
    /// something imported, or of another crate.
    fn absolute(&self, names: &[String]) -> Names {
        let mut at = self.path.clone();
        let mut rest = names;
        while let [first, others @ ..] = rest {
            match first.as_str() {
                "crate" => at.clear(),
                "self" => {}
                "super" => drop(at.pop()),
                _ => break,
            }
            rest = others;
        }
        [&at[..], rest].concat()
    }

    fn import(&mut self, before: &mut Names, tree: &UseTree) {
        match tree {
            UseTree::Path(path) => {
                before.push(path.ident.to_string());
                self.import(before, &path.tree);
                before.pop();
            }
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.import(before, tree)),
            UseTree::Glob(_) => {
                let target = self.absolute(before);
                self.module.globs.push(target);
            }
            UseTree::Name(name) => self.import_as(before, &name.ident.to_string(), &name.ident.to_string()),
            UseTree::Rename(name) => {
                self.import_as(before, &name.ident.to_string(), &name.rename.to_string());
            }
        }
    }

    fn import_as(&mut self, before: &Names, name: &str, known_as: &str) {
        let is_here = before.first().is_some_and(|first| ["crate", "self", "super"].contains(&&**first));
        let named = if name == "self" { before.clone() } else { [&before[..], &[name.to_owned()]].concat() };
        let known_as =
            if known_as == "self" { before.last().cloned().unwrap_or_default() } else { known_as.to_owned() };
        if is_here {
            let target = self.absolute(&named);
            self.module.paths.push(target.clone());
            self.module.imports.insert(known_as, target);
        } else {
            // A child module, as in `pub use call::Call`, or another crate, which is not found.
            let target = self.absolute(&named);
            self.module.paths.push(target.clone());
            self.module.imports.entry(known_as).or_insert(target);
        }
    }
}

impl<'ast> Visit<'ast> for Collector<'_> {
    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        self.import(&mut Names::new(), &item.tree);
    }

    fn visit_item_mod(&mut self, _: &'ast ItemMod) {}

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let names: Names = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        if names.len() > 1 {
            let target = self.absolute(&names);
            self.module.paths.push(target);
        }
        visit::visit_path(self, path);
    }
}
