//! The blocks of a program as a table that people read.

use std::fmt;

use crate::block::Block;
use crate::block::selection::Blocks;
use crate::registry::Registry;
use crate::wire::codec::Codec;

/// The blocks that a program knows, ordered by path. Printed, it is a table.
#[derive(Clone, Debug)]
pub struct Listing(Vec<Listed>);

/// One of them.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Listed {
    /// Its description.
    pub block: &'static Block,
    /// Who runs it.
    pub access: Access,
}

/// Who runs a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// The peer runs it for others.
    Exposed,
    /// The peer runs it for itself alone.
    Own,
    /// The peer can only call it: a `cfg` left its body out of this program.
    CallOnly,
}

impl Listing {
    pub(crate) fn of(registry: &Registry, exposed: &Blocks) -> Self {
        let listed = registry.known().into_iter().map(|block| {
            let access = match (registry.can_run(block.id), exposed.contains(block)) {
                (false, _) => Access::CallOnly,
                (true, true) => Access::Exposed,
                (true, false) => Access::Own,
            };
            Listed { block, access }
        });
        Self(listed.collect())
    }

    /// The blocks, ordered by path.
    pub fn iter(&self) -> std::slice::Iter<'_, Listed> {
        self.0.iter()
    }
}

impl<'a> IntoIterator for &'a Listing {
    type Item = &'a Listed;
    type IntoIter = std::slice::Iter<'a, Listed>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Exposed => "yes",
            Self::Own => "no",
            Self::CallOnly => "call only",
        })
    }
}

const HEAD: [&str; 8] =
    ["block", "at", "captures", "result", "travels by", "fingerprint", "runs for", "exposed"];

impl Listed {
    fn cells(&self) -> [String; 8] {
        let Self { block, access } = self;
        let types = block.capture_types();
        let captures = block.captures.iter().enumerate().map(|(index, name)| match types.get(index) {
            Some(ty) => format!("{name}: {ty}"),
            None => (*name).to_owned(),
        });
        let captures = match captures.collect::<Vec<_>>().join(", ") {
            none if none.is_empty() => "-".to_owned(),
            some => some,
        };
        [
            block.name.map_or_else(|| block.path.to_owned(), |name| format!("\"{name}\" {}", block.path)),
            format!("{}:{}", block.file, block.line),
            captures,
            block.result_type().to_owned(),
            codecs(block.captures_codec(), block.result_codec()),
            block.fingerprint().to_string(),
            block.requires.to_string(),
            access.to_string(),
        ]
    }
}

/// The codecs of captures and result, once if they are the same.
fn codecs(captures: Option<Codec>, result: Option<Codec>) -> String {
    match (captures, result) {
        (Some(captures), Some(result)) if captures == result => captures.to_string(),
        (Some(captures), Some(result)) => format!("{captures}, back by {result}"),
        _ => "nothing: it cannot travel".to_owned(),
    }
}

impl fmt::Display for Listing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows: Vec<_> =
            [HEAD.map(str::to_owned)].into_iter().chain(self.iter().map(Listed::cells)).collect();
        let widths: Vec<_> = (0..HEAD.len())
            .map(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default())
            .collect();
        for (index, row) in rows.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            let (last, cells) = row.split_last().unwrap_or((&row[0], &[]));
            for (cell, width) in cells.iter().zip(&widths) {
                write!(f, "{cell:width$}  ")?;
            }
            f.write_str(last)?;
        }
        for Listed { block, .. } in self {
            if let Some(opaque) = block.opaque_type() {
                write!(
                    f,
                    "\n{block}: a change inside `{opaque}` is not noticed, because its shape is not known"
                )?;
            }
        }
        Ok(())
    }
}
