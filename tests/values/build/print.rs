//! The generated types as Rust.

use std::collections::BTreeSet;
use std::fmt::Write;

use crate::container::{Body, Container, Fields, Variant};
use crate::field::Field;

/// The whole file.
pub(crate) fn file(made: &[Container]) -> String {
    let mut text = String::new();
    let mut cases = String::new();
    for container in made {
        let (name, number) = (container.name(), container.number);
        let definition = definition(container);
        writeln!(text, "{definition}{}", implementation(container)).expect(STRING);
        writeln!(
            text,
            "#[distributed]\npub async fn echo_{number}(to: PeerId, many: Vec<{name}>, value: {name}, make: Option<u64>) \
             -> Result<(Vec<{name}>, {name}, Option<u64>), RemoteError> {{\n    \
             remote!(to, [many, value, make], {{ (many, made_here(make, value), make) }}).await\n}}\n"
        )
        .expect(STRING);
        let uses: BTreeSet<_> = container.fields().iter().flat_map(|field| field.ty.uses.clone()).collect();
        writeln!(
            cases,
            "    Case {{ name: \"{name}\", definition: r####\"{definition}\"####, uses: &{uses:?}, send: |peer, to, send| {{\n        \
             Box::pin(async move {{ received(send, peer.run(echo_{number}(to, send.many(), send.value(), send.make())).await) }}) }} }},",
            uses = uses.into_iter().collect::<Vec<_>>(),
        )
        .expect(STRING);
    }
    format!("{text}pub static CASES: &[Case] = &[\n{cases}];\n")
}

const STRING: &str = "a string takes all that is written to it";

fn definition(container: &Container) -> String {
    let name = container.name();
    let mut text = String::from("#[derive(Debug, Serialize, Deserialize)]\n");
    if !container.attributes.is_empty() {
        writeln!(text, "#[serde({})]", container.attributes.join(", ")).expect(STRING);
    }
    match &container.body {
        Body::Struct(fields) => {
            let end = if matches!(fields, Fields::Named(_)) { "" } else { ";" };
            writeln!(text, "pub struct {name}{}{end}", declaration(fields)).expect(STRING);
        }
        Body::Enum(variants) => {
            writeln!(text, "pub enum {name} {{").expect(STRING);
            for variant in variants {
                if !variant.attributes.is_empty() {
                    writeln!(text, "    #[serde({})]", variant.attributes.join(", ")).expect(STRING);
                }
                writeln!(text, "    {}{},", variant.name, declaration(&variant.fields)).expect(STRING);
            }
            text.push_str("}\n");
        }
    }
    text
}

fn declaration(fields: &Fields) -> String {
    let all = fields.all().iter().map(Field::declaration).collect::<Vec<_>>();
    match fields {
        Fields::Unit => String::new(),
        Fields::Tuple(_) => format!("({})", all.join(", ")),
        Fields::Named(_) => format!(" {{ {} }}", all.join(", ")),
    }
}

/// A value of which each field is what `value` gives for it.
fn construction(name: &str, fields: &Fields, value: impl Fn(usize, &Field) -> String) -> String {
    let all = fields.all().iter().enumerate().map(|(index, field)| {
        let value = value(index, field);
        field.name.as_ref().map_or(value.clone(), |name| format!("{name}: {value}"))
    });
    let all = all.collect::<Vec<_>>().join(", ");
    match fields {
        Fields::Unit => name.to_owned(),
        Fields::Tuple(_) => format!("{name}({all})"),
        Fields::Named(_) => format!("{name} {{ {all} }}"),
    }
}

/// The variable that a field is bound to.
fn variable(index: usize) -> String {
    format!("v{index}")
}

fn expected(name: &str, fields: &Fields) -> String {
    let pattern = construction(name, fields, |index, _| variable(index));
    let value = construction(name, fields, |index, field| field.expected(&variable(index)));
    format!("{pattern} => {value},")
}

fn implementation(container: &Container) -> String {
    let random =
        |name: &str, fields: &Fields| construction(name, fields, |_, field| format!("{}(rng)", field.random));
    let zero = |name: &str, fields: &Fields| construction(name, fields, |_, _| "zero()".to_owned());
    let (random, expected, zero) = match &container.body {
        Body::Struct(fields) => (random("Self", fields), expected("Self", fields), zero("Self", fields)),
        Body::Enum(variants) => {
            let path = |variant: &Variant| format!("Self::{}", variant.name);
            let travelling = variants.iter().filter(|variant| !variant.is_skipped);
            let skipped: Vec<_> = variants.iter().filter(|variant| variant.is_skipped).collect();
            let list = |variants: &mut dyn Iterator<Item = &Variant>| {
                let arms = variants
                    .enumerate()
                    .map(|(index, v)| format!("{index} => {},", random(&path(v), &v.fields)));
                arms.collect::<Vec<_>>()
            };
            let arms = list(&mut travelling.clone());
            let mut text = String::new();
            if !skipped.is_empty() {
                let arms = list(&mut skipped.iter().copied());
                write!(
                    text,
                    "if rng.makes_skipped_variant() {{ return match rng.below({}) {{ {} _ => unreachable!() }}; }} ",
                    arms.len(),
                    arms.join(" ")
                )
                .expect(STRING);
            }
            write!(text, "match rng.below({}) {{ {} _ => unreachable!() }}", arms.len(), arms.join(" "))
                .expect(STRING);
            let expected =
                variants.iter().map(|v| expected(&path(v), &v.fields)).collect::<Vec<_>>().join(" ");
            let first =
                variants.iter().find(|variant| !variant.is_skipped).expect("the first variant travels");
            (text, expected, zero(&path(first), &first.fields))
        }
    };
    format!(
        "impl Random for {name} {{\n    fn random(rng: &mut Values) -> Self {{ {random} }}\n    \
         fn expected(self) -> Self {{ match self {{ {expected} }} }}\n    fn zero() -> Self {{ {zero} }}\n}}\n\
         impl Default for {name} {{ fn default() -> Self {{ zero() }} }}\n",
        name = container.name(),
    )
}
