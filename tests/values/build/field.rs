//! A field, with its attributes and the resulting value.

use crate::container::Container;
use crate::types::Ty;

pub(crate) struct Field {
    /// `None` in tuples.
    pub(crate) name: Option<String>,
    pub(crate) ty: Ty,
    /// The content of `#[serde(..)]`.
    pub(crate) attributes: Vec<String>,
    pub(crate) becomes: Becomes,
    /// The function that makes a random value.
    pub(crate) random: &'static str,
}

/// What serde's attributes make of the value of a field.
pub(crate) enum Becomes {
    Same,
    /// Always the result of this function, because the field is not written or not read.
    Always(&'static str),
    /// The result of the second function, if the first one returns true for the value.
    If(&'static str, &'static str),
}

impl Field {
    pub(crate) fn new(name: Option<String>, ty: Ty) -> Self {
        Self { name, ty, attributes: Vec::new(), becomes: Becomes::Same, random: "random" }
    }

    pub(crate) fn is_written(&self, attribute: &str) -> bool {
        self.attributes.iter().any(|written| written == attribute)
    }

    /// Whether a value cannot be read without it.
    pub(crate) fn is_required(&self) -> bool {
        matches!(self.becomes, Becomes::Same)
            && !self.ty.text.starts_with("Option")
            && !self.attributes.iter().any(|written| written.starts_with("default") || written == "flatten")
    }

    pub(crate) fn has_128_bits(&self, made: &[Container]) -> bool {
        ["u128", "i128"].iter().any(|number| self.ty.text.contains(number))
            || self.ty.uses.iter().any(|number| made[*number].has_128_bits)
    }

    /// Whether it takes the entries that are left.
    pub(crate) fn takes_all(&self, made: &[Container]) -> bool {
        let is_map = self.random == "flat_map";
        is_map || self.is_written("flatten") && self.ty.uses.iter().any(|number| made[*number].takes_all)
    }

    /// The field as it is declared.
    pub(crate) fn declaration(&self) -> String {
        let attributes = match &self.attributes[..] {
            [] => String::new(),
            all => format!("#[serde({})] ", all.join(", ")),
        };
        match &self.name {
            Some(name) => format!("{attributes}{name}: {}", self.ty.text),
            None => format!("{attributes}{}", self.ty.text),
        }
    }

    /// The resulting value of `value`, as an expression.
    pub(crate) fn expected(&self, value: &str) -> String {
        match self.becomes {
            Becomes::Same => format!("{value}.expected()"),
            Becomes::Always(default) => format!("{{ let _ = {value}; {default}() }}"),
            Becomes::If(predicate, default) => {
                format!("if {predicate}(&{value}) {{ {default}() }} else {{ {value}.expected() }}")
            }
        }
    }
}
