//! A generated struct or enum.

use crate::field::Field;
use crate::rng::Rng;
use crate::types::Ty;
use crate::{attributes, enums, structs};

pub(crate) struct Container {
    pub(crate) number: usize,
    /// The content of `#[serde(..)]`.
    pub(crate) attributes: Vec<String>,
    pub(crate) body: Body,
    /// Whether a number of 128 bits is in it.
    pub(crate) has_128_bits: bool,
    /// Whether it takes all entries that are no field of it: it has a flattened map, or has
    /// flattened what has one.
    pub(crate) takes_all: bool,
}

pub(crate) enum Body {
    Struct(Fields),
    Enum(Vec<Variant>),
}

pub(crate) enum Fields {
    Unit,
    Tuple(Vec<Field>),
    Named(Vec<Field>),
}

pub(crate) struct Variant {
    pub(crate) name: String,
    pub(crate) attributes: Vec<String>,
    pub(crate) fields: Fields,
    /// Not written or not read: its values are refused.
    pub(crate) is_skipped: bool,
}

pub(crate) const CASES: [&str; 8] = [
    "lowercase",
    "UPPERCASE",
    "PascalCase",
    "camelCase",
    "snake_case",
    "SCREAMING_SNAKE_CASE",
    "kebab-case",
    "SCREAMING-KEBAB-CASE",
];

impl Container {
    pub(crate) fn new(number: usize, attributes: Vec<String>, body: Body) -> Self {
        Self { number, attributes, body, has_128_bits: false, takes_all: false }
    }

    pub(crate) fn random(rng: &mut Rng, number: usize, made: &[Self]) -> Self {
        loop {
            let mut any = Self::any(rng, number, made);
            any.has_128_bits = any.fields().iter().any(|field| field.has_128_bits(made));
            any.takes_all = any.fields().iter().any(|field| field.takes_all(made));
            if !any.buffers_128_bits(made) {
                return any;
            }
        }
    }

    /// serde reads flattened fields, and all of what has no tag or an internal one, from a buffer
    /// of its own. That has no numbers of 128 bits: what serde writes there it cannot read, in
    /// any format. `tests/regressions.rs` has these types.
    fn buffers_128_bits(&self, made: &[Self]) -> bool {
        let is_buffered = self.attributes.iter().any(|a| a == "untagged" || a.starts_with("tag = "))
            && !self.attributes.iter().any(|a| a.starts_with("content = "));
        let fields = self.fields();
        is_buffered && self.has_128_bits
            || fields.iter().any(|field| field.is_written("flatten") && field.has_128_bits(made))
    }

    fn any(rng: &mut Rng, number: usize, made: &[Self]) -> Self {
        match rng.below(100) {
            0..45 => structs::named(rng, number, made),
            45..58 => structs::tuple(rng, number, made),
            58..62 => structs::newtype(rng, number, made),
            62..67 => structs::transparent(rng, number, made),
            67..69 => structs::unit(number),
            69..79 => enums::external(rng, number, made),
            79..86 => enums::internal(rng, number, made),
            86..93 => enums::adjacent(rng, number, made),
            _ => enums::untagged(rng, number, made),
        }
    }

    pub(crate) fn name(&self) -> String {
        format!("T{}", self.number)
    }

    pub(crate) fn is_written(&self, attribute: &str) -> bool {
        self.attributes.iter().any(|written| written == attribute)
    }

    /// The fields of a struct that is written as a map.
    pub(crate) fn map_fields(&self) -> Option<&[Field]> {
        match &self.body {
            Body::Struct(Fields::Named(fields)) if !self.is_written("transparent") => Some(fields),
            _ => None,
        }
    }

    pub(crate) fn fields(&self) -> Vec<&Field> {
        match &self.body {
            Body::Struct(fields) => fields.all().iter().collect(),
            Body::Enum(variants) => variants.iter().flat_map(|variant| variant.fields.all()).collect(),
        }
    }
}

impl Fields {
    pub(crate) fn all(&self) -> &[Field] {
        match self {
            Self::Unit => &[],
            Self::Tuple(fields) | Self::Named(fields) => fields,
        }
    }

    /// Fields whose names no other type has: so those of flattened structs and of untagged
    /// variants never clash.
    pub(crate) fn named(rng: &mut Rng, prefix: &str, made: &[Container]) -> Self {
        let count = 1 + rng.below(5);
        let field = |index| {
            let word = rng.pick(&["id", "first_name", "x", "of_the_day"]);
            let mut field = Field::new(Some(format!("{word}_{prefix}_{index}")), Ty::random(rng, made));
            attributes::of_named(rng, &mut field);
            field
        };
        Self::Named((0..count).map(field).collect())
    }

    pub(crate) fn tuple(rng: &mut Rng, made: &[Container]) -> Self {
        let count = 2 + rng.below(3);
        // What leaves fields of a tuple out is mostly refused, so it is rare.
        let first_default = if rng.one_in(12) { rng.below(count) } else { count };
        let field = |index| {
            let mut field = Field::new(None, Ty::random(rng, made));
            attributes::of_unnamed(rng, &mut field, index >= first_default);
            field
        };
        Self::Tuple((0..count).map(field).collect())
    }

    pub(crate) fn newtype(ty: Ty) -> Self {
        Self::Tuple(vec![Field::new(None, ty)])
    }
}
