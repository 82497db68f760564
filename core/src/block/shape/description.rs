//! What a block's values consist of, as one peer tells another, and how two of them differ.
//!
//! A fingerprint shows that two versions differ, but not where. So a peer that refuses another
//! version sends a description of its own types, and the caller compares it with its own.

use serde::{Deserialize, Serialize};

use super::place::{Form, Kind, Outline, Part};
use super::tracer::{Place, Tracer};
use crate::block::type_names;

/// More types than these are not told.
const MOST_TYPES: usize = 256;

/// How many differences are named.
const MOST_DIFFERENCES: usize = 4;

/// What a type consists of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Description {
    root: Vec<Item>,
    types: Vec<Described>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Item {
    /// A primitive or a unit struct, by its name.
    Named(String),
    /// A type, by its number.
    Type(usize),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Described {
    name: String,
    /// Options, lists and maps, tuples, structs, newtypes, enums.
    kind: u8,
    /// One for each variant; one without a name for anything else.
    forms: Vec<DescribedForm>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct DescribedForm {
    name: String,
    /// Whether the parts have names.
    fields: Vec<String>,
    items: Vec<Item>,
}

impl Description {
    pub(super) fn of(tracer: &Tracer) -> Self {
        let types = tracer.places.iter().take(MOST_TYPES).map(Described::of).collect();
        Self { root: items(&tracer.root), types }
    }

    fn get(&self, item: &Item) -> Option<&Described> {
        match item {
            Item::Named(_) => None,
            Item::Type(number) => self.types.get(*number),
        }
    }

    fn name<'a>(&'a self, item: &'a Item) -> &'a str {
        match item {
            Item::Named(name) => name,
            Item::Type(_) => self.get(item).map_or("..", |described| &described.name),
        }
    }
}

impl Described {
    fn of(place: &Place) -> Self {
        let names = match place.outline {
            Outline::Enum(_, variants) => variants,
            _ => &[],
        };
        let forms = place.slots.iter().enumerate().map(|(index, slot)| {
            let (fields, parts) = match (place.outline, &slot.parts[..]) {
                (Outline::Enum(..), [Part::Form(Form::Struct(fields)), parts @ ..]) => (*fields, parts),
                (Outline::Struct(_, fields), parts) => (fields, parts),
                (_, [Part::Form(_), parts @ ..] | parts) => (&[][..], parts),
            };
            DescribedForm {
                name: names.get(index).copied().unwrap_or_default().to_owned(),
                fields: fields.iter().map(|field| (*field).to_owned()).collect(),
                items: items(parts),
            }
        });
        Self { name: type_names::short(place.name), kind: place.outline.kind(), forms: forms.collect() }
    }
}

fn items(parts: &[Part]) -> Vec<Item> {
    parts
        .iter()
        .map(|part| match part {
            Part::Primitive(kind) => Item::Named(Kind::name(*kind).to_owned()),
            Part::Named(name) => Item::Named((*name).to_owned()),
            Part::Form(_) => Item::Named("..".to_owned()),
            Part::Place(number) => Item::Type(*number),
        })
        .collect()
}

/// Compares what a value is here with what it is there.
#[derive(Debug)]
pub(crate) struct Difference<'a> {
    ours: &'a Description,
    theirs: &'a Description,
    compared: Vec<(usize, usize)>,
    found: Vec<String>,
}

impl<'a> Difference<'a> {
    /// The differences of what is called `what`, in words.
    pub(crate) fn between(what: &str, ours: &'a Description, theirs: &'a Description) -> Vec<String> {
        let mut difference = Self { ours, theirs, compared: Vec::new(), found: Vec::new() };
        difference.items(what, &ours.root, &theirs.root);
        difference.found
    }

    fn find(&mut self, text: String) {
        if self.found.len() < MOST_DIFFERENCES {
            self.found.push(text);
        }
    }

    fn items(&mut self, what: &str, ours: &[Item], theirs: &[Item]) {
        if ours.len() != theirs.len() {
            let (ours, theirs) = (ours.len(), theirs.len());
            return self.find(format!("{what} has {theirs} parts there and {ours} here"));
        }
        for (ours, theirs) in ours.iter().zip(theirs) {
            self.item(what, ours, theirs);
        }
    }

    fn item(&mut self, what: &str, our: &Item, their: &Item) {
        let (ours, theirs) = (self.ours, self.theirs);
        match (our, their) {
            (Item::Named(our), Item::Named(their)) if our == their => {}
            (Item::Type(our), Item::Type(their)) => {
                // What was not told is not compared.
                let (Some(ours), Some(theirs)) = (ours.types.get(*our), theirs.types.get(*their)) else {
                    return;
                };
                if self.compared.contains(&(*our, *their)) {
                    return;
                }
                self.compared.push((*our, *their));
                if ours.kind == theirs.kind {
                    self.types(what, ours, theirs);
                } else {
                    self.find(format!("{what} is `{}` there and `{}` here", theirs.name, ours.name));
                }
            }
            _ => self.find(format!("{what} is `{}` there and `{}` here", theirs.name(their), ours.name(our))),
        }
    }

    fn types(&mut self, what: &str, ours: &'a Described, theirs: &'a Described) {
        if ours.forms.iter().all(|form| form.name.is_empty()) {
            if let ([our], [their]) = (&ours.forms[..], &theirs.forms[..]) {
                let what = if our.fields.is_empty() { what } else { &format!("`{}`", ours.name) };
                self.form(what, our, their);
            }
            return;
        }
        let names = |forms: &'a [DescribedForm]| forms.iter().map(|form| &form.name[..]).collect::<Vec<_>>();
        self.names("variant", &format!("`{}`", ours.name), &names(&ours.forms), &names(&theirs.forms));
        for our in &ours.forms {
            if let Some(their) = theirs.forms.iter().find(|their| their.name == our.name) {
                self.form(&format!("variant `{}` of `{}`", our.name, ours.name), our, their);
            }
        }
    }

    fn form(&mut self, what: &str, our: &'a DescribedForm, their: &'a DescribedForm) {
        if our.fields.is_empty() && their.fields.is_empty() {
            return self.items(what, &our.items, &their.items);
        }
        let names = |fields: &'a [String]| fields.iter().map(String::as_str).collect::<Vec<_>>();
        self.names("field", what, &names(&our.fields), &names(&their.fields));
        // Other names of a field stand among the names, and then it is not known which is which.
        if our.fields.len() != our.items.len() || their.fields.len() != their.items.len() {
            return;
        }
        for (field, item) in our.fields.iter().zip(&our.items) {
            let theirs = their.fields.iter().zip(&their.items).find(|(name, _)| *name == field);
            if let Some((_, their)) = theirs {
                self.item(&format!("field `{field}` of {what}"), item, their);
            }
        }
    }

    /// Fields or variants that only one of the two has, or that are in another order.
    fn names(&mut self, kind: &str, of: &str, ours: &[&str], theirs: &[&str]) {
        let before = self.found.len();
        for name in theirs.iter().filter(|name| !ours.contains(name)) {
            self.find(format!("{kind} `{name}` of {of} is new there"));
        }
        for name in ours.iter().filter(|name| !theirs.contains(name)) {
            self.find(format!("{kind} `{name}` of {of} is missing there"));
        }
        if self.found.len() == before && ours != theirs {
            self.find(format!("the {kind}s of {of} are in another order there"));
        }
    }
}
