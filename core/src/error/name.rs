//! The block that an error names.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::block::Block;

/// A block as an error names it; it may be one that this binary does not have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockName {
    path: Cow<'static, str>,
    file: Cow<'static, str>,
    line: u32,
}

impl BlockName {
    pub(super) fn of(block: &Block) -> Self {
        Self { path: Cow::Borrowed(block.path), file: Cow::Borrowed(block.file), line: block.line }
    }

    /// Module path, function and ordinal.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The source file.
    #[must_use]
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The line in it, counted from 1.
    #[must_use]
    pub fn line(&self) -> u32 {
        self.line
    }
}

impl fmt::Display for BlockName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` ({}:{})", self.path, self.file, self.line)
    }
}
