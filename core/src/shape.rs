//! The shape of a type: what serde would write of it, all the way down, as a hash.
//!
//! Two programs that exchange a value must agree on its fields and variants, and on those of every type inside it. A type
//! says what it consists of only while it is deserialized. So it is deserialized here from nothing: whatever it asks for
//! is given a dummy, and what it asked for is its shape. Names of structs, enums, variants and fields count, and the kinds
//! of the primitives, in their order; where a type is defined does not.
//!
//! One pass sees one variant of each enum. The others are seen in further passes, each of which repeats the choices of an
//! earlier one up to a point and then takes another: see [`Tracer::choose`]. A recursive type ends because a place that
//! was seen is not entered again where that can be avoided: the second time an `Option` is `None`, a list is empty, and an
//! enum takes a variant that is known to end. A dummy that a type rejects is exchanged for another one. All of this is
//! bounded, and the same in each program.
//!
//! Some types cannot be made of dummies. What was seen of them counts, and beside it the name of the whole type.

mod dummy;
#[cfg(test)]
mod tests;
mod trace;

use std::any::type_name;
use std::panic::{AssertUnwindSafe, catch_unwind};

use rustc_hash::FxHashMap;
use serde::Deserialize;

use self::trace::{At, Fault};
use crate::hash::Fnv;

/// How many values a trace may make of one type, and how deep they may be nested.
const BUDGET: u32 = 20_000;
const DEPTH: u32 = 96;

/// In how many ways dummies are chosen where a type rejects a whole value and does not say what is wrong with it.
const MOODS: usize = 3;

/// What is known of the shape of a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) hash: u64,
    /// The innermost type that could not be seen whole.
    pub(crate) opaque: Option<&'static str>,
}

/// The shape of `T`.
pub(crate) fn of<T: Deserialize<'static>>() -> Shape {
    let mut tracer = Tracer::default();
    tracer.pass::<T>(Vec::new());
    while let Some(task) = tracer.todo.pop() {
        // A recursive enum may have been through it meanwhile.
        if tracer.places[task.place].slots[task.slot].state == State::Unseen {
            tracer.pass::<T>(task.trail);
        }
    }
    tracer.shape(type_name::<T>())
}

/// What has been seen, and what has to be.
#[derive(Default)]
struct Tracer {
    /// The types that were met, in the order in which they were.
    places: Vec<Place>,
    index: FxHashMap<(&'static str, u8), usize>,
    /// What the outermost type asked for.
    root: Vec<u64>,
    todo: Vec<Task>,
    /// Which dummy each primitive takes.
    dummies: FxHashMap<(&'static str, u8), usize>,
    spent: u32,
    opaque: Option<&'static str>,
    run: Run,
}

/// A struct, an enum, an option or a collection.
struct Place {
    name: &'static str,
    /// Its kind and its names.
    head: u64,
    /// One for each variant; one for anything else.
    slots: Vec<Slot>,
    is_queued: bool,
}

#[derive(Clone, Default)]
struct Slot {
    state: State,
    /// What was asked for, in order: a primitive, another place, or the form of a variant.
    parts: Vec<u64>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Unseen,
    Entered,
    Seen,
    Broken,
}

/// A variant that is still to be seen, and the choices that lead to it.
struct Task {
    trail: Vec<usize>,
    place: usize,
    slot: usize,
}

/// One pass.
#[derive(Default)]
struct Run {
    /// The choices to repeat, and those that were made.
    prefix: Vec<usize>,
    trail: Vec<usize>,
    /// Where parts are noted; nowhere inside what was seen before.
    record: Option<Record>,
    depth: u32,
    entered: Vec<(usize, usize)>,
    culprit: Option<&'static str>,
    /// A primitive rejected its dummy and has another one.
    has_other_dummy: bool,
    /// A variant's number is not one.
    is_no_variant: bool,
    mood: usize,
}

#[derive(Clone, Copy)]
enum Record {
    Root,
    Slot(usize, usize),
}

impl Tracer {
    /// Makes a value, repeating the choices of `prefix`; again and again while there is something else to try.
    fn pass<T: Deserialize<'static>>(&mut self, prefix: Vec<usize>) {
        let mut last = Vec::new();
        let mut mood = 0;
        loop {
            self.run = Run { prefix: prefix.clone(), mood, record: Some(Record::Root), ..Run::default() };
            self.root.clear();
            // A type's own code runs here with values that it may never have met.
            let made = catch_unwind(AssertUnwindSafe(|| T::deserialize(At(self)).map(drop)));
            if let Ok(Ok(())) = made {
                return;
            }
            let is_spent = self.spent >= BUDGET;
            let again =
                !is_spent && (self.run.has_other_dummy || mood + 1 < MOODS && !self.run.is_no_variant);
            self.leave_broken(if again { State::Unseen } else { State::Broken });
            if again {
                mood += usize::from(!self.run.has_other_dummy);
                continue;
            }
            if !self.run.is_no_variant {
                let culprit = self.run.culprit.unwrap_or(type_name::<T>());
                self.opaque.get_or_insert(culprit);
            }
            let made_choices = self.run.trail.len() > prefix.len() && self.run.trail != last;
            if is_spent {
                self.todo.clear();
            }
            if is_spent || !made_choices {
                return;
            }
            // What could not be entered is avoided now, so that what stands after it is seen.
            last = std::mem::take(&mut self.run.trail);
            mood = 0;
        }
    }

    fn leave_broken(&mut self, state: State) {
        for (place, slot) in std::mem::take(&mut self.run.entered) {
            let slot = &mut self.places[place].slots[slot];
            if matches!(slot.state, State::Entered | State::Broken) {
                slot.state = state;
            }
        }
    }

    /// The place of a type, which is a part of whatever is being made.
    fn place(&mut self, name: &'static str, kind: u8, describe: impl FnOnce() -> (Fnv, usize)) -> usize {
        let next = self.places.len();
        let place = *self.index.entry((name, kind)).or_insert(next);
        if place == next {
            let (head, count) = describe();
            let (head, slots) = (head.number(kind.into()).get(), vec![Slot::default(); count]);
            self.places.push(Place { name, head, slots, is_queued: false });
        }
        self.note(place as u64 | 1 << 63);
        place
    }

    fn note(&mut self, part: u64) {
        match self.run.record {
            Some(Record::Root) => self.root.push(part),
            Some(Record::Slot(place, slot)) => self.places[place].slots[slot].parts.push(part),
            None => {}
        }
    }

    /// Which variant of an enum to make; 0 and 1 are an option or a collection with something in it, and without.
    fn choose(&mut self, place: usize, is_enum: bool) -> usize {
        let trail = &self.run.trail;
        let slots = &self.places[place].slots;
        let repeated = self.run.prefix.get(trail.len()).copied();
        let find = |state| slots.iter().position(|slot| slot.state == state);
        let choice = repeated.unwrap_or_else(|| match is_enum {
            true => find(State::Seen).or_else(|| find(State::Unseen)).unwrap_or(0),
            false => usize::from(slots[0].state != State::Unseen),
        });
        if is_enum && !self.places[place].is_queued {
            self.places[place].is_queued = true;
            let others = (0..self.places[place].slots.len()).rev().filter(|other| *other != choice);
            self.todo.extend(others.map(|slot| Task {
                trail: trail.iter().copied().chain([slot]).collect(),
                place,
                slot,
            }));
        }
        self.run.trail.push(choice);
        choice
    }

    /// Makes what belongs to a slot. Its parts are noted the first time.
    fn within<V>(
        &mut self,
        place: usize,
        slot: usize,
        make: impl FnOnce(&mut Self) -> Result<V, Fault>,
    ) -> Result<V, Fault> {
        self.spend()?;
        let here = self.places[place].slots.get_mut(slot).ok_or(Fault)?;
        let is_new = matches!(here.state, State::Unseen | State::Broken);
        if is_new {
            *here = Slot { state: State::Entered, parts: Vec::new() };
            self.run.entered.push((place, slot));
        }
        let around = std::mem::replace(&mut self.run.record, is_new.then_some(Record::Slot(place, slot)));
        self.run.depth += 1;
        let made = make(self);
        self.run.depth -= 1;
        self.run.record = around;
        if is_new {
            let state = if made.is_ok() { State::Seen } else { State::Broken };
            self.places[place].slots[slot].state = state;
        }
        if made.is_err() {
            self.run.culprit.get_or_insert(self.places[place].name);
        }
        made
    }

    fn spend(&mut self) -> Result<(), Fault> {
        self.spent += 1;
        if self.spent >= BUDGET || self.run.depth >= DEPTH { Err(Fault) } else { Ok(()) }
    }

    fn shape(self, name: &'static str) -> Shape {
        let parts = |hash: Fnv, parts: &[u64]| {
            parts.iter().fold(hash.number(parts.len() as u64), |hash, part| hash.number(*part))
        };
        let mut hash = parts(Fnv::new(), &self.root);
        for place in &self.places {
            hash = hash.number(place.head).number(place.slots.len() as u64);
            hash = place.slots.iter().fold(hash, |hash, slot| parts(hash, &slot.parts));
        }
        if self.opaque.is_some() {
            hash = hash.word(name);
        }
        Shape { hash: hash.get(), opaque: self.opaque }
    }
}
