//! The block that an error names.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::block::Block;
use crate::util::shown::{self, OneLine};

/// A block as an error names it; it may be one that this binary does not have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BlockName {
    path: Cow<'static, str>,
    file: Cow<'static, str>,
    line: u32,
}

impl BlockName {
    pub(super) fn of(block: &Block) -> Self {
        Self { path: Cow::Borrowed(block.path), file: Cow::Borrowed(block.file), line: block.line }
    }

    pub(super) fn cut(&mut self, longest: usize) {
        for text in [&mut self.path, &mut self.file] {
            if text.len() > longest {
                shown::cut(text.to_mut(), longest);
            }
        }
    }

    pub(super) fn path(&self) -> &str {
        &self.path
    }

    pub(super) fn location(&self) -> (&str, u32) {
        (&self.file, self.line)
    }
}

impl fmt::Display for BlockName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` ({}:{})", OneLine(&self.path), OneLine(&self.file), self.line)
    }
}
