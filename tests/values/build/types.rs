//! The types that fields have.

use crate::container::Container;
use crate::rng::Rng;

/// A type, as it is written, and which attributes suit it.
#[derive(Clone)]
pub(crate) struct Ty {
    pub(crate) text: String,
    pub(crate) class: Class,
    /// The generated types in it, by their numbers.
    pub(crate) uses: Vec<usize>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    /// A number of which 57 is one, by `From<u8>`.
    Number,
    /// A type with a default that can be compared.
    Simple,
    Text,
    Bytes,
    /// `Vec<u32>`.
    Numbers,
    List,
    Option,
    OptionOfOption,
    Map,
    /// Anything else.
    Other,
}

const LEAVES: [(&str, Class); 20] = [
    ("bool", Class::Simple),
    ("char", Class::Simple),
    ("i8", Class::Simple),
    ("u8", Class::Number),
    ("u16", Class::Number),
    ("u32", Class::Number),
    ("u64", Class::Number),
    ("u128", Class::Number),
    ("i16", Class::Number),
    ("i32", Class::Number),
    ("i64", Class::Number),
    ("i128", Class::Number),
    ("f64", Class::Number),
    ("String", Class::Text),
    ("String", Class::Text),
    ("Vec<u8>", Class::Bytes),
    ("Vec<u32>", Class::Numbers),
    ("Duration", Class::Simple),
    ("IpAddr", Class::Other),
    ("()", Class::Other),
];

const KEYS: [&str; 10] =
    ["String", "String", "u8", "u64", "i32", "i64", "bool", "char", "(u8, bool)", "(String, i16)"];

/// How deep the types of std contain each other.
const DEPTH: usize = 2;

impl Ty {
    pub(crate) fn new(text: impl Into<String>, class: Class) -> Self {
        Self { text: text.into(), class, uses: Vec::new() }
    }

    pub(crate) fn leaf(rng: &mut Rng) -> Self {
        let (text, class) = rng.pick(&LEAVES);
        Self::new(text, class)
    }

    pub(crate) fn of(container: &Container) -> Self {
        Self { text: container.name(), class: Class::Other, uses: vec![container.number] }
    }

    /// A type that the types of `made` may be parts of.
    pub(crate) fn random(rng: &mut Rng, made: &[Container]) -> Self {
        Self::nested(rng, made, DEPTH)
    }

    fn nested(rng: &mut Rng, made: &[Container], depth: usize) -> Self {
        if !made.is_empty() && rng.below(10) < 3 {
            return Self::of(&made[rng.below(made.len())]);
        }
        if depth == 0 || rng.below(10) < 5 {
            return Self::leaf(rng);
        }
        let mut part = || Self::nested(rng, made, depth - 1);
        let first = part();
        match rng.below(12) {
            0 | 1 => first.within(|t| format!("Option<{t}>"), Class::Option),
            2 => first.within(|t| format!("Option<Option<{t}>>"), Class::OptionOfOption),
            3 => Self::new("Option<()>", Class::Option),
            4 => Self::new("Option<Option<()>>", Class::OptionOfOption),
            5 => first.within(|t| format!("Box<{t}>"), Class::Other),
            6 => {
                let second = Self::nested(rng, made, depth - 1);
                first.and(second)
            }
            7 => {
                let length = rng.below(5);
                first.within(|t| format!("[{t}; {length}]"), Class::Other)
            }
            8 | 9 => {
                let key = rng.pick(&KEYS);
                first.within(|t| format!("BTreeMap<{key}, {t}>"), Class::Map)
            }
            _ => first.within(|t| format!("Vec<{t}>"), Class::List),
        }
    }

    fn within(self, write: impl FnOnce(&str) -> String, class: Class) -> Self {
        Self { text: write(&self.text), class, uses: self.uses }
    }

    fn and(mut self, other: Self) -> Self {
        self.uses.extend(other.uses);
        Self { text: format!("({}, {})", self.text, other.text), class: Class::Other, uses: self.uses }
    }
}
