//! Attributes of fields.

use crate::field::{Becomes, Field};
use crate::rng::Rng;
use crate::types::{Class, Ty};

/// A field of a struct with names.
pub(crate) fn of_named(rng: &mut Rng, field: &mut Field) {
    match rng.below(12) {
        0..5 => {}
        5 => with(rng, field),
        6 => skip(rng, field),
        _ => may_be_absent(rng, field),
    }
    if rng.below(10) < 3 {
        names(rng, field);
    }
}

/// A field of a tuple. serde requires a default for each field that follows one with a default.
pub(crate) fn of_unnamed(rng: &mut Rng, field: &mut Field, has_default: bool) {
    match rng.below(10) {
        _ if has_default => may_be_absent_with_default(rng, field),
        // To write more fields of a tuple than are read is refused, so it is rare.
        0 if rng.one_in(8) => skip(rng, field),
        0 | 1 => {
            let default = default_of(field);
            set(field, &["skip", default], Becomes::Always("zero"));
        }
        2 => with(rng, field),
        _ => {}
    }
}

fn names(rng: &mut Rng, field: &mut Field) {
    let own = field.name.clone().unwrap_or_default();
    field.attributes.extend(match rng.below(4) {
        0 => vec![format!("rename = \"{own}-renamed\"")],
        1 => vec![format!("rename = \"é {own}\""), format!("alias = \"{own}\"")],
        2 => vec![format!("alias = \"{own}Old\"")],
        _ => vec![
            format!("rename(serialize = \"{own}Out\", deserialize = \"{own}In\")"),
            format!("alias = \"{own}Out\""),
        ],
    });
}

fn set(field: &mut Field, attributes: &[&str], becomes: Becomes) {
    field.attributes.extend(attributes.iter().map(|attribute| (*attribute).to_owned()));
    field.becomes = becomes;
}

/// `Default` where the type has it, else our own.
fn default_of(field: &Field) -> &'static str {
    if matches!(field.ty.class, Class::Other) { "default = \"zero\"" } else { "default" }
}

/// A field that only one of the two halves knows, or neither.
fn skip(rng: &mut Rng, field: &mut Field) {
    let default = default_of(field);
    match rng.below(3) {
        0 => {
            field.ty = Ty::new("i64", Class::Number);
            set(field, &["skip", "default = \"seven\""], Becomes::Always("seven"));
        }
        1 => set(field, &["skip", default], Becomes::Always("zero")),
        _ => set(field, &["skip_deserializing", default], Becomes::Always("zero")),
    }
}

fn may_be_absent(rng: &mut Rng, field: &mut Field) {
    // serde uses `None` for an absent option, without an attribute.
    if matches!(field.ty.class, Class::Option | Class::OptionOfOption) && rng.one_in(3) {
        return set(
            field,
            &["skip_serializing_if = \"Option::is_none\""],
            Becomes::If("Option::is_none", "zero"),
        );
    }
    if field.ty.class == Class::OptionOfOption && rng.one_in(2) {
        let attributes =
            ["default", "skip_serializing_if = \"Option::is_none\"", "with = \"with::double_option\""];
        return set(field, &attributes, Becomes::Same);
    }
    may_be_absent_with_default(rng, field);
}

/// A field that has a default, and mostly one that is left out at times.
///
/// `skip_serializing_if` without a default is left out: what it writes, serde cannot read by
/// names, either.
fn may_be_absent_with_default(rng: &mut Rng, field: &mut Field) {
    let default = default_of(field);
    if rng.one_in(6) {
        return set(field, &[default], Becomes::Same);
    }
    if rng.one_in(6) {
        return set(field, &["skip_serializing", default], Becomes::Always("zero"));
    }
    // The second of each pair holds for values that are rarely made up, if ever.
    let is_rare = rng.one_in(2);
    match (field.ty.class, is_rare) {
        (Class::Number, true) if rng.one_in(2) => {
            let attributes = ["default = \"fifty_seven\"", "skip_serializing_if = \"is_57\""];
            set(field, &attributes, Becomes::If("is_57", "fifty_seven"));
        }
        (Class::Number, true) => {
            set(field, &[default, "skip_serializing_if = \"is_57\""], Becomes::If("is_57", "zero"));
        }
        (Class::Number | Class::Simple, _) => {
            set(field, &[default, "skip_serializing_if = \"is_default\""], Becomes::If("is_default", "zero"));
        }
        (Class::Text, false) => {
            let attributes = [default, "skip_serializing_if = \"String::is_empty\""];
            set(field, &attributes, Becomes::If("String::is_empty", "zero"));
        }
        (Class::Text, true) => {
            let attributes = [default, "skip_serializing_if = \"is_text_of_three\""];
            set(field, &attributes, Becomes::If("is_text_of_three", "zero"));
        }
        (Class::Bytes | Class::Numbers | Class::List, false) => {
            let attributes = [default, "skip_serializing_if = \"Vec::is_empty\""];
            set(field, &attributes, Becomes::If("Vec::is_empty", "zero"));
        }
        (Class::Bytes | Class::Numbers | Class::List, true) => {
            let attributes = [default, "skip_serializing_if = \"is_list_of_three\""];
            set(field, &attributes, Becomes::If("is_list_of_three", "zero"));
        }
        (Class::Map, _) => {
            let attributes = [default, "skip_serializing_if = \"BTreeMap::is_empty\""];
            set(field, &attributes, Becomes::If("BTreeMap::is_empty", "zero"));
        }
        (Class::Option | Class::OptionOfOption, _) => {
            let attributes = [default, "skip_serializing_if = \"Option::is_none\""];
            set(field, &attributes, Becomes::If("Option::is_none", "zero"));
        }
        (Class::Other, _) => set(field, &[default], Becomes::Same),
    }
}

/// Another form of the value, by functions of the user. The field gets a type that has one.
fn with(rng: &mut Rng, field: &mut Field) {
    let fits = |(_, text, class): &&(_, &str, Class)| *class == field.ty.class && *text == field.ty.text;
    let (module, text, class) = match FORMS.iter().find(fits) {
        _ if field.ty.class == Class::Map => ("as_pairs", &field.ty.text[..], Class::Map),
        Some(form) if rng.one_in(2) => *form,
        _ => rng.pick(&FORMS),
    };
    if text != field.ty.text {
        field.ty = Ty::new(text, class);
    }
    field.attributes.push(format!("with = \"with::{module}\""));
}

/// A module of the tests, the type of which it writes values, and its class.
const FORMS: [(&str, &str, Class); 8] = [
    ("as_text", "u32", Class::Number),
    ("as_text", "i128", Class::Number),
    ("number_or_text", "u64", Class::Number),
    ("plus_one", "u8", Class::Number),
    ("hex", "Vec<u8>", Class::Bytes),
    ("reversed", "Vec<u8>", Class::Bytes),
    ("one_or_many", "Vec<u32>", Class::Numbers),
    ("fixed_width", "u32", Class::Number),
];
