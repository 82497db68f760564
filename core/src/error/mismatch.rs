//! Two versions of one block, as the one who refused a call tells of its own, and as the caller
//! sees the difference.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::block::shape::{Description, Difference};
use crate::block::{Block, Fingerprint};
use crate::util::shown;

text_is_debug!(Mismatch);

/// What differs between a caller's version of a block and that of the peer that refused the call.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(not(target_family = "wasm"), derive(Debug))]
pub struct Mismatch {
    ours: String,
    theirs: String,
    location: String,
    package: Option<String>,
    interface: Option<Interface>,
    differences: Vec<String>,
    older: Option<Older>,
}

/// Which of two programs is older.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Older {
    /// The program of the caller.
    Ours,
    /// The program of the peer that refused.
    Theirs,
}

/// The captures and the result type of a block.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Interface {
    names: Vec<String>,
    captures: Description,
    result: Description,
    skeleton: u64,
}

impl Interface {
    fn of(block: &Block) -> Option<Self> {
        let (captures, result) = block.describe()?;
        let names = block.captures.iter().map(|name| (*name).to_owned()).collect();
        Some(Self { names, captures, result, skeleton: block.source().skeleton })
    }
}

impl Mismatch {
    /// What a peer says of its block when it refuses a call of another version.
    pub(crate) fn refused(block: &Block, asked_for: Fingerprint) -> Self {
        Self {
            ours: asked_for.to_string(),
            theirs: block.fingerprint().to_string(),
            location: format!("{}:{}", block.file, block.line),
            package: block.package_version().map(str::to_owned),
            interface: Interface::of(block),
            differences: Vec::new(),
            older: None,
        }
    }

    pub(super) fn cut(&mut self, longest: usize) {
        let Self { ours, theirs, location, package, differences, interface: _, older: _ } = self;
        let texts = [ours, theirs, location].into_iter().chain(package).chain(differences);
        texts.for_each(|text| shown::cut(text, longest));
    }

    /// Compares it with the caller's own version. What the other side sent for it is ignored.
    pub(crate) fn compare(&mut self, block: &Block) {
        self.ours = block.fingerprint().to_string();
        self.older = older(block.package_version(), self.package.as_deref());
        self.differences.clear();
        let Some((ours, theirs)) = Interface::of(block).zip(self.interface.take()) else { return };
        self.differences = if ours.names == theirs.names {
            let what = match &ours.names[..] {
                [name] => format!("capture `{name}`"),
                _ => "a capture".to_owned(),
            };
            let mut all = Difference::between(&what, &ours.captures, &theirs.captures);
            for difference in Difference::between("the result", &ours.result, &theirs.result) {
                // A type that is captured and returned differs once.
                if !all.contains(&difference) {
                    all.push(difference);
                }
            }
            all
        } else {
            vec![format!(
                "it captures [{}] there and [{}] here",
                theirs.names.join(", "),
                ours.names.join(", ")
            )]
        };
        // Names of theirs stand in them.
        self.differences.iter_mut().for_each(|text| shown::cut(text, shown::LONGEST));
        if self.differences.is_empty() {
            let same = ours.skeleton == theirs.skeleton;
            self.differences.push(if same {
                "its body differs, and counts (because of `exact`, or because another block of its function looks like it)"
                    .to_owned()
            } else {
                "the blocks of its function differ in number, order, captures or destinations".to_owned()
            });
        }
    }

    /// The caller's fingerprint.
    #[must_use]
    pub fn ours(&self) -> &str {
        &self.ours
    }

    /// The fingerprint of the peer that refused.
    #[must_use]
    pub fn theirs(&self) -> &str {
        &self.theirs
    }

    /// `file:line` of the block at the peer that refused.
    #[must_use]
    pub fn location(&self) -> &str {
        &self.location
    }

    /// What differs, in words, one for each field or variant; empty if the other side did not say.
    #[must_use]
    pub fn differences(&self) -> &[String] {
        &self.differences
    }

    /// Which program is older, by the versions of the packages that contain the function; `None`
    /// if they are equal or unknown.
    #[must_use]
    pub fn older(&self) -> Option<Older> {
        self.older
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for difference in &self.differences {
            write!(f, "{difference}; ")?;
        }
        match (self.older, &self.package) {
            (Some(Older::Ours), Some(package)) => {
                write!(f, "this program is older (there {package}): update it, or reload the page; ")?;
            }
            (Some(Older::Theirs), Some(package)) => {
                write!(f, "that program is older (there {package}): update it; ")?;
            }
            _ => f.write_str("build both programs from the same sources; ")?,
        }
        write!(f, "{} at {} there, {} here", self.theirs, self.location, self.ours)
    }
}

/// Which of two versions, as cargo writes them, is older.
fn older(ours: Option<&str>, theirs: Option<&str>) -> Option<Older> {
    let numbers = |version: &str| -> Option<[u64; 3]> {
        let core = version.split(['-', '+']).next()?;
        let numbers: Vec<u64> = core.split('.').map(|number| number.parse().ok()).collect::<Option<_>>()?;
        numbers.try_into().ok()
    };
    match numbers(ours?)?.cmp(&numbers(theirs?)?) {
        std::cmp::Ordering::Less => Some(Older::Ours),
        std::cmp::Ordering::Equal => None,
        std::cmp::Ordering::Greater => Some(Older::Theirs),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_older_package_is_found_by_its_numbers() {
        let older = |ours, theirs| older(Some(ours), Some(theirs));
        assert_eq!(older("0.9.3", "0.10.0"), Some(Older::Ours));
        assert_eq!(older("2.0.0", "1.99.9-beta.1"), Some(Older::Theirs));
        assert_eq!(older("1.0.0", "1.0.0"), None);
        assert_eq!(older("1.0", "1.0.1"), None);
    }
}
