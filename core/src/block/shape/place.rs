//! What a trace notes of a type: an outline, and the parts that it asked for.

use crate::util::fnv::Fnv;

/// A primitive that a type asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub(super) enum Kind {
    Bool = 1,
    I8,
    I16,
    I32,
    I64,
    I128,
    U8,
    U16,
    U32,
    U64,
    U128,
    F32,
    F64,
    Char,
    Text,
    Bytes,
    Unit,
}

impl Kind {
    /// As a user writes it.
    pub(super) fn name(self) -> &'static str {
        const NAMES: [&str; 17] = [
            "bool", "i8", "i16", "i32", "i64", "i128", "u8", "u16", "u32", "u64", "u128", "f32", "f64",
            "char", "text", "bytes", "()",
        ];
        NAMES[self as usize - 1]
    }
}

/// What a type says of itself before its parts are made.
#[derive(Clone, Copy, Debug)]
pub(super) enum Outline {
    Option,
    List,
    Map,
    /// Its name, and how many elements it has.
    Tuple(&'static str, usize),
    /// Its name, and the names of its fields with their aliases.
    Struct(&'static str, &'static [&'static str]),
    Newtype(&'static str),
    /// Its name, and the names of its variants with their aliases.
    Enum(&'static str, &'static [&'static str]),
}

impl Outline {
    /// Tells places of one type apart.
    pub(super) fn kind(&self) -> u8 {
        match self {
            Self::Option => 32,
            Self::List => 33,
            Self::Map => 34,
            Self::Tuple(..) => 35,
            Self::Struct(..) => 36,
            Self::Newtype(_) => 37,
            Self::Enum(..) => 38,
        }
    }

    /// How many values of different forms it has.
    pub(super) fn slots(&self) -> usize {
        match self {
            Self::Enum(_, variants) => variants.len(),
            _ => 1,
        }
    }

    pub(super) fn hash(&self) -> u64 {
        let names = match self {
            Self::Option | Self::List | Self::Map => Fnv::new(),
            Self::Tuple(name, count) => Fnv::new().word(name).number(0).number(*count as u64),
            Self::Newtype(name) => Fnv::new().word(name).number(0),
            Self::Struct(name, names) | Self::Enum(name, names) => of_names(name, names),
        };
        names.number(self.kind().into()).get()
    }
}

/// The form of a variant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Unit,
    Newtype,
    Tuple(usize),
    Struct(&'static [&'static str]),
}

/// What a type asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Primitive(Kind),
    /// Another place, by its number.
    Place(usize),
    Form(Form),
    /// A unit struct.
    Named(&'static str),
}

impl Part {
    pub(super) fn hash(self) -> u64 {
        match self {
            Self::Primitive(kind) => kind as u64,
            Self::Place(place) => place as u64 | 1 << 63,
            Self::Named(name) => of_names(name, &[]).get(),
            Self::Form(Form::Unit) => of_names("unit", &[]).get(),
            Self::Form(Form::Newtype) => of_names("newtype", &[]).get(),
            Self::Form(Form::Tuple(count)) => of_names("tuple", &[]).number(count as u64).get(),
            Self::Form(Form::Struct(fields)) => of_names("struct", fields).get(),
        }
    }
}

fn of_names(name: &str, names: &[&str]) -> Fnv {
    names.iter().fold(Fnv::new().word(name).number(names.len() as u64), |hash, name| hash.word(name))
}
