//! What a piece of documentation is about.

use serde::{Deserialize, Serialize};

/// What an entry is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Kind {
    /// A module, or a crate.
    Module,
    /// A function or a method.
    Function,
    /// A struct, an enum, a union, or another name for a type.
    Type,
    /// A trait.
    Trait,
    /// A macro.
    Macro,
    /// A constant or a static.
    Constant,
    /// A section of a guide: a README, a changelog, and so on.
    Guide,
}

impl Kind {
    /// All kinds, in the order in which the page offers them.
    pub const ALL: [Self; 7] =
        [Self::Function, Self::Type, Self::Trait, Self::Macro, Self::Module, Self::Constant, Self::Guide];

    /// The name of the kind, for users.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Module => "module",
            Self::Function => "function",
            Self::Type => "type",
            Self::Trait => "trait",
            Self::Macro => "macro",
            Self::Constant => "constant",
            Self::Guide => "guide",
        }
    }

    /// The kind with this name.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}
