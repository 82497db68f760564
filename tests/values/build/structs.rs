//! Random structs.

use crate::container::{Body, CASES, Container, Fields};
use crate::field::Field;
use crate::rng::Rng;
use crate::types::{Class, Ty};

fn of(number: usize, attributes: Vec<String>, fields: Fields) -> Container {
    Container::new(number, attributes, Body::Struct(fields))
}

pub(crate) fn unit(number: usize) -> Container {
    of(number, Vec::new(), Fields::Unit)
}

pub(crate) fn newtype(rng: &mut Rng, number: usize, made: &[Container]) -> Container {
    of(number, Vec::new(), Fields::newtype(Ty::random(rng, made)))
}

pub(crate) fn tuple(rng: &mut Rng, number: usize, made: &[Container]) -> Container {
    of(number, Vec::new(), Fields::tuple(rng, made))
}

/// `transparent` wants one field that is not skipped.
pub(crate) fn transparent(rng: &mut Rng, number: usize, made: &[Container]) -> Container {
    let attributes = vec!["transparent".to_owned()];
    let mut fields = vec![Field::new(Some(format!("inner_{number}")), Ty::random(rng, made))];
    if rng.one_in(2) {
        let mut skipped = Field::new(Some(format!("skipped_{number}")), Ty::new("u32", Class::Number));
        skipped.attributes.push("skip".to_owned());
        skipped.becomes = crate::field::Becomes::Always("zero");
        fields.insert(rng.below(2), skipped);
    }
    of(number, attributes, Fields::Named(fields))
}

pub(crate) fn named(rng: &mut Rng, number: usize, made: &[Container]) -> Container {
    let mut attributes = Vec::new();
    let mut fields = Fields::named(rng, &number.to_string(), made);
    if let (Fields::Named(fields), true) = (&mut fields, rng.one_in(10)) {
        let next = Ty::new(format!("Option<Box<T{number}>>"), Class::Option);
        fields.push(Field::new(Some(format!("next_{number}")), next));
    }
    if rng.one_in(4) {
        attributes.push(format!("rename_all = \"{}\"", rng.pick(&CASES)));
    }
    if rng.one_in(6) {
        attributes.push("default".to_owned());
    }
    if let (Fields::Named(fields), true) = (&mut fields, rng.one_in(4)) {
        flatten(rng, number, fields, made);
    } else if rng.one_in(5) && (rng.one_in(8) || !has(&fields, "skip_deserializing")) {
        // serde does not support it together with `flatten`. To deny a field that is written and
        // not
        // read means to be refused, so it is rare.
        attributes.push("deny_unknown_fields".to_owned());
    }
    of(number, attributes, fields)
}

fn has(fields: &Fields, attribute: &str) -> bool {
    fields.all().iter().any(|field| field.is_written(attribute))
}

/// Adds a flattened struct or map.
fn flatten(rng: &mut Rng, number: usize, fields: &mut Vec<Field>, made: &[Container]) {
    // A flattened map takes the entries that a flattened struct leaves, and more if it precedes
    // the struct. So there is one flattened field. serde does not support a flattened struct that
    // denies unknown fields.
    let fits = |made: &&Container| made.map_fields().is_some() && !made.is_written("deny_unknown_fields");
    let candidates: Vec<_> = made.iter().filter(fits).collect();
    if !candidates.is_empty() && rng.below(3) < 2 {
        let inner = candidates[rng.below(candidates.len())];
        // A flattened map takes the entries of fields that are not read, too: serde itself gives
        // back another value.
        let is_ambiguous =
            inner.takes_all && fields.iter().any(|field| field.is_written("skip_deserializing"));
        let mut ty = Ty::of(inner);
        // serde takes the option for absent if a field of the struct is absent. Without a required
        // field, it cannot distinguish the two.
        let is_told_apart = inner.map_fields().is_some_and(|fields| fields.iter().any(Field::is_required));
        if is_told_apart && !inner.is_written("default") && rng.one_in(2) {
            ty.text = format!("Option<{}>", ty.text);
        }
        let mut field = Field::new(Some(format!("flat_{number}")), ty);
        field.attributes.push("flatten".to_owned());
        if !is_ambiguous {
            let place = rng.below(fields.len() + 1);
            fields.insert(place, field);
        }
    } else if !fields.iter().any(|field| field.is_written("skip_deserializing")) {
        let value = Ty::leaf(rng).text;
        let mut field = Field::new(
            Some(format!("rest_{number}")),
            Ty::new(format!("BTreeMap<String, {value}>"), Class::Map),
        );
        field.attributes.push("flatten".to_owned());
        // Its keys are no names of fields.
        field.random = "flat_map";
        fields.push(field);
    }
}
