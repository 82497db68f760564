//! Random enums, in the four ways in which serde tags them.

use crate::container::{Body, CASES, Container, Fields, Variant};
use crate::field::Field;
use crate::rng::Rng;
use crate::types::{Class, Ty};

fn of(rng: &mut Rng, number: usize, mut attributes: Vec<String>, variants: Vec<Variant>) -> Container {
    if rng.one_in(4) {
        attributes.push(format!("rename_all = \"{}\"", rng.pick(&CASES)));
    }
    if rng.one_in(6) {
        attributes.push(format!("rename_all_fields = \"{}\"", rng.pick(&CASES)));
    }
    Container::new(number, attributes, Body::Enum(variants))
}

fn variant(index: usize, fields: Fields) -> Variant {
    Variant { name: format!("TheVariant{index}"), attributes: Vec::new(), fields, is_skipped: false }
}

fn variants(
    rng: &mut Rng,
    number: usize,
    made: &[Container],
    newtype: impl Fn(&mut Rng) -> Option<Fields>,
    has_tuples: bool,
) -> Vec<Variant> {
    let count = 1 + rng.below(5);
    let mut all = Vec::new();
    for index in 0..count {
        let fields = match rng.below(5) {
            0 | 1 => Fields::named(rng, &format!("{number}_{index}"), made),
            2 => newtype(rng).unwrap_or(Fields::Unit),
            3 if has_tuples => Fields::tuple(rng, made),
            _ => Fields::Unit,
        };
        let mut variant = variant(index, fields);
        attributes(rng, &mut variant, index);
        all.push(variant);
    }
    // What has an unknown tag is read as this one. It has a tag of its own, too.
    if let Some(last) = all.last_mut().filter(|last| matches!(last.fields, Fields::Unit) && rng.one_in(3)) {
        last.attributes = vec!["other".to_owned()];
        last.is_skipped = false;
    }
    // The first one is the default, so it travels.
    if let Some(first) = all.first_mut().filter(|first| first.is_skipped) {
        first.is_skipped = false;
        first.attributes.clear();
    }
    all
}

fn attributes(rng: &mut Rng, variant: &mut Variant, index: usize) {
    match rng.below(16) {
        0 => variant.attributes.push(format!("rename = \"renamed {index}\"")),
        1 => variant.attributes.push(format!("alias = \"old{index}\"")),
        2 => variant.attributes.extend([
            format!("rename(serialize = \"out{index}\", deserialize = \"in{index}\")"),
            format!("alias = \"out{index}\""),
        ]),
        3 | 4 => {
            variant.attributes.push("skip".to_owned());
            variant.is_skipped = true;
        }
        5 => {
            variant.attributes.push("skip_deserializing".to_owned());
            variant.is_skipped = true;
        }
        _ => {}
    }
}

pub(crate) fn external(rng: &mut Rng, number: usize, made: &[Container]) -> Container {
    let newtype = |rng: &mut Rng| Some(Fields::newtype(Ty::random(rng, made)));
    let variants = variants(rng, number, made, newtype, true);
    of(rng, number, Vec::new(), variants)
}

pub(crate) fn adjacent(rng: &mut Rng, number: usize, made: &[Container]) -> Container {
    let newtype = |rng: &mut Rng| Some(Fields::newtype(Ty::random(rng, made)));
    let variants = variants(rng, number, made, newtype, true);
    let attributes = vec![format!("tag = \"t{number}\""), format!("content = \"c{number}\"")];
    of(rng, number, attributes, variants)
}

/// serde has no tuples here, and writes a newtype only around what is a map. No field has the name
/// of the tag.
pub(crate) fn internal(rng: &mut Rng, number: usize, made: &[Container]) -> Container {
    let structs: Vec<_> = made.iter().filter(|made| made.map_fields().is_some()).collect();
    let newtype = |rng: &mut Rng| {
        (!structs.is_empty()).then(|| Fields::newtype(Ty::of(structs[rng.below(structs.len())])))
    };
    let variants = variants(rng, number, made, newtype, false);
    of(rng, number, vec![format!("tag = \"tag{number}\"")], variants)
}

/// serde takes the first variant that fits. So each has a shape of its own: at most one is a
/// number, one a text and so on, and each struct has a field that must be there, with a name of
/// its own. A struct is read from a sequence, too: so structs stand last.
pub(crate) fn untagged(rng: &mut Rng, number: usize, made: &[Container]) -> Container {
    let mut shapes = Vec::new();
    if rng.one_in(2) {
        shapes.push(Fields::Unit);
    }
    if rng.one_in(2) {
        shapes.push(Fields::newtype(Ty::new("bool", Class::Simple)));
    }
    if rng.one_in(2) {
        let number = rng.pick(&["u8", "i64", "u64", "f64", "i32"]);
        shapes.push(Fields::newtype(Ty::new(number, Class::Number)));
    }
    if rng.one_in(2) {
        let text = rng.pick(&["String", "char", "IpAddr"]);
        shapes.push(Fields::newtype(Ty::new(text, Class::Other)));
    }
    match rng.below(4) {
        0 => shapes.push(Fields::newtype(Ty::new("Vec<u8>", Class::Bytes))),
        1 => shapes.push(Fields::Tuple(vec![
            Field::new(None, Ty::random(rng, made)),
            Field::new(None, Ty::random(rng, made)),
        ])),
        _ => {}
    }
    for index in 0..rng.below(3) {
        let must = Field::new(Some(format!("must_{number}_{index}")), Ty::new("u16", Class::Number));
        let Fields::Named(mut fields) = Fields::named(rng, &format!("{number}_{index}"), made) else {
            continue;
        };
        let place = rng.below(fields.len() + 1);
        fields.insert(place, must);
        shapes.push(Fields::Named(fields));
    }
    if shapes.is_empty() {
        shapes.push(Fields::Unit);
    }
    let variants = shapes.into_iter().enumerate().map(|(index, fields)| variant(index, fields)).collect();
    // Names are not written, so renaming the variants would mean nothing.
    Container::new(number, vec!["untagged".to_owned()], Body::Enum(variants))
}
