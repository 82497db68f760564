//! Makes values of a type from nothing, until every variant has been seen.
//!
//! One pass sees one variant of each enum. The others are seen in further passes, each of which
//! repeats the choices of an earlier one up to a point and then takes another: see
//! [`Tracer::choose`]. A recursive type ends because a place that was seen is not entered again
//! where that can be avoided: the second time an `Option` is `None`, a list is empty, and an
//! enum takes a variant that is known to end. A dummy that a type rejects is exchanged for another
//! one. All of this is bounded, and the same in each program.
//!
//! After that the same values are varied, only to see whether they can be written and read: each
//! option and each list the other way, and other numbers and texts.

use super::place::{Form, Kind, Outline, Part};
use super::subject::{Subject, Value};
use super::trace::Fault;
use crate::util::fnv::Fnv;
use crate::util::guard;
use crate::util::sorted;

/// How many values a trace may make of one type, and as many again to vary them; and how deep they
/// may be nested.
const BUDGET: u32 = 20_000;
const DEPTH: u32 = 96;

/// In how many ways dummies are chosen where a type rejects a whole value and does not say what is
/// wrong with it.
const MOODS: usize = 3;
/// The mood in which each dummy is another one than the one before.
const MIXED: usize = MOODS;

/// What has been seen, and what has to be.
#[derive(Default)]
pub(super) struct Tracer {
    /// The types that were met, in the order in which they were.
    pub(super) places: Vec<Place>,
    /// What the outermost type asked for.
    pub(super) root: Vec<Part>,
    todo: Vec<Task>,
    dummies: Vec<Dummy>,
    spent: u32,
    opaque: Option<&'static str>,
    /// A type asked what comes.
    pub(super) wants_names: bool,
    /// There are ends of channels in it.
    pub(super) has_ends: bool,
    /// Something with parts was asked for, which bincode could shift.
    has_parts: bool,
    pub(super) run: Run,
}

/// Which dummy a primitive takes.
struct Dummy {
    of: DummyOf,
    choice: usize,
    /// It takes no other one.
    is_picky: bool,
}

type DummyOf = (&'static str, Kind);

/// A struct, an enum, an option or a collection.
pub(super) struct Place {
    pub(super) name: &'static str,
    pub(super) outline: Outline,
    /// One for each variant; one for anything else.
    pub(super) slots: Vec<Slot>,
    is_queued: bool,
}

#[derive(Clone, Default)]
pub(super) struct Slot {
    state: State,
    /// What was asked for, in order.
    pub(super) parts: Vec<Part>,
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

/// A value that was made, by its choices.
struct Made {
    /// The choices that an earlier value had, too.
    repeated: usize,
    trail: Vec<usize>,
    /// Whether each of them is of an enum.
    is_enum: Vec<bool>,
}

/// One pass.
#[derive(Default)]
pub(super) struct Run {
    /// The choices to repeat, and those that were made.
    prefix: Vec<usize>,
    trail: Vec<usize>,
    is_enum: Vec<bool>,
    /// Where parts are noted; nowhere inside what was seen before.
    record: Option<Record>,
    depth: u32,
    entered: Vec<(usize, usize)>,
    pub(super) culprit: Option<&'static str>,
    /// A primitive rejected its dummy and has another one.
    has_other_dummy: bool,
    /// A variant's number is not one.
    pub(super) is_no_variant: bool,
    mood: usize,
    /// The type has been seen, and this is one more value of it.
    varies: bool,
    /// How many primitives were asked for.
    primitives: usize,
}

#[derive(Clone, Copy)]
enum Record {
    Root,
    Slot(usize, usize),
}

impl Tracer {
    /// Sees all of a type, and hands on each value that was made on the way.
    pub(super) fn trace(&mut self, subject: &Subject, inspect: &mut dyn FnMut(&dyn Value)) {
        let mut made = Vec::new();
        self.pass(Vec::new(), subject, inspect, &mut made);
        while let Some(task) = self.todo.pop() {
            // A recursive enum may have been through it meanwhile.
            if self.places[task.place].slots[task.slot].state == State::Unseen {
                self.pass(task.trail, subject, inspect, &mut made);
            }
        }
        self.vary(&made, subject, inspect);
    }

    /// Makes a value, repeating the choices of `prefix`; again and again while there is something
    /// else to try.
    fn pass(
        &mut self,
        prefix: Vec<usize>,
        subject: &Subject,
        inspect: &mut dyn FnMut(&dyn Value),
        made: &mut Vec<Made>,
    ) {
        let mut last = Vec::new();
        let mut mood = 0;
        loop {
            self.run = Run { prefix: prefix.clone(), mood, record: Some(Record::Root), ..Run::default() };
            self.root.clear();
            if self.make(subject, inspect) {
                let Run { trail, is_enum, .. } = &mut self.run;
                let (trail, is_enum) = (std::mem::take(trail), std::mem::take(is_enum));
                made.push(Made { repeated: prefix.len(), trail, is_enum });
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
                let culprit = self.run.culprit.unwrap_or(subject.name);
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

    /// Makes one value, if that is possible. A type's own code runs here with values that it may
    /// never have met.
    fn make(&mut self, subject: &Subject, inspect: &mut dyn FnMut(&dyn Value)) -> bool {
        guard::run(|| subject.make(self, inspect)).unwrap_or_default()
    }

    /// Makes the values once more with other parts. What is seen of the type does not change.
    fn vary(&mut self, made: &[Made], subject: &Subject, inspect: &mut dyn FnMut(&dyn Value)) {
        let spent = std::mem::take(&mut self.spent);
        for Made { repeated, trail, is_enum } in made {
            for mood in 1..=MIXED {
                self.vary_one(trail.clone(), mood, subject, inspect);
            }
            for index in *repeated..trail.len() {
                if !is_enum[index] {
                    let mut prefix = trail[..=index].to_vec();
                    prefix[index] ^= 1;
                    self.vary_one(prefix, 0, subject, inspect);
                }
            }
        }
        self.spent = spent;
    }

    fn vary_one(
        &mut self,
        prefix: Vec<usize>,
        mood: usize,
        subject: &Subject,
        inspect: &mut dyn FnMut(&dyn Value),
    ) {
        // A primitive that rejects another dummy gets its own one in the next round.
        const ROUNDS: usize = 8;
        for _ in 0..ROUNDS {
            let picky = self.picky();
            self.run = Run { prefix: prefix.clone(), mood, varies: true, ..Run::default() };
            if self.make(subject, inspect) {
                return;
            }
            self.leave_broken(State::Broken);
            if self.picky() == picky || self.spent >= BUDGET {
                return;
            }
        }
    }

    fn picky(&self) -> usize {
        self.dummies.iter().filter(|dummy| dummy.is_picky).count()
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
    pub(super) fn place(&mut self, name: &'static str, outline: Outline) -> usize {
        let next = self.places.len();
        let is_it = |place: &Place| place.outline.kind() == outline.kind() && place.name == name;
        let place = self.places.iter().position(is_it).unwrap_or(next);
        if place == next {
            let slots = vec![Slot::default(); outline.slots()];
            self.places.push(Place { name, outline, slots, is_queued: false });
        }
        self.has_parts |= !matches!(outline, Outline::Newtype(_) | Outline::Tuple(_, 1));
        self.note(Part::Place(place));
        place
    }

    pub(super) fn note(&mut self, part: Part) {
        match self.run.record {
            Some(Record::Root) => self.root.push(part),
            Some(Record::Slot(place, slot)) => self.places[place].slots[slot].parts.push(part),
            None => {}
        }
    }

    fn dummy_of(&mut self, of: DummyOf) -> &mut Dummy {
        let known = self.dummies.iter().position(|dummy| dummy.of == of);
        let index = known.unwrap_or_else(|| {
            self.dummies.push(Dummy { of, choice: 0, is_picky: false });
            self.dummies.len() - 1
        });
        &mut self.dummies[index]
    }

    /// Which of `count` dummies a primitive gets.
    pub(super) fn dummy(&mut self, of: DummyOf, count: usize) -> usize {
        self.run.primitives += 1;
        let Run { mood, varies, primitives, .. } = self.run;
        let Dummy { choice, is_picky, .. } = *self.dummy_of(of);
        match mood {
            _ if varies && is_picky => choice,
            MIXED => (choice + primitives) % count,
            mood => (choice + mood).min(count - 1),
        }
    }

    /// The dummy was not taken.
    pub(super) fn reject_dummy(&mut self, of: DummyOf, count: usize) {
        let varies = self.run.varies;
        let dummy = self.dummy_of(of);
        if varies {
            dummy.is_picky = true;
            return;
        }
        let has_other = dummy.choice + 1 < count;
        dummy.choice += usize::from(has_other);
        self.run.has_other_dummy = has_other;
    }

    /// Which variant of an enum to make; 0 and 1 are an option or a collection with something in
    /// it, and without.
    pub(super) fn choose(&mut self, place: usize, is_enum: bool) -> usize {
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
        self.run.is_enum.push(is_enum);
        choice
    }

    /// Makes what belongs to a slot. Its parts are noted the first time.
    pub(super) fn within<V>(
        &mut self,
        place: usize,
        slot: usize,
        make: impl FnOnce(&mut Self) -> Result<V, Fault>,
    ) -> Result<V, Fault> {
        self.spend()?;
        let here = self.places[place].slots.get_mut(slot).ok_or(Fault)?;
        let is_new = !self.run.varies && matches!(here.state, State::Unseen | State::Broken);
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

    pub(super) fn spend(&mut self) -> Result<(), Fault> {
        self.spent += 1;
        if self.spent >= BUDGET || self.run.depth >= DEPTH { Err(Fault) } else { Ok(()) }
    }

    /// The innermost type that could not be seen whole.
    pub(super) fn opaque(&self) -> Option<&'static str> {
        self.opaque
    }

    /// Whether a type asked what comes, which only a format with names can tell.
    pub(super) fn wants_names(&self) -> bool {
        self.wants_names
    }

    /// Whether all that was asked for is one primitive.
    pub(super) fn is_one_primitive(&self) -> bool {
        !self.has_parts && self.run.primitives == 1
    }

    /// All that was seen but fields that may be absent, as (struct or variant, field).
    pub(super) fn hash_of_required(&self, name: &'static str, optional: &OptionalFields) -> u64 {
        let mut walk = Walk { tracer: self, optional, numbers: vec![None; self.places.len()], next: 0 };
        let mut hash = walk.parts(Fnv::new(), &self.root);
        if self.opaque.is_some() {
            hash = hash.word(name);
        }
        hash.get()
    }

    /// All that was seen.
    pub(super) fn hash(&self, name: &'static str) -> u64 {
        let parts = |hash: Fnv, parts: &[Part]| {
            parts.iter().fold(hash.number(parts.len() as u64), |hash, part| hash.number(part.hash()))
        };
        let mut hash = parts(Fnv::new(), &self.root);
        for place in &self.places {
            hash = hash.number(place.outline.hash()).number(place.slots.len() as u64);
            hash = place.slots.iter().fold(hash, |hash, slot| parts(hash, &slot.parts));
        }
        if self.opaque.is_some() {
            hash = hash.word(name);
        }
        hash.get()
    }
}

/// Which fields may be absent where they are read by name, by the struct or the variant that they
/// belong to.
#[derive(Default)]
pub(super) struct OptionalFields(Vec<(String, String, bool)>);

impl OptionalFields {
    /// Whether one value could be read without this field. One that could not counts.
    pub(super) fn tell(&mut self, owner: &str, field: &str, may_be_absent: bool) {
        match self.0.iter_mut().find(|(of, name, _)| of == owner && name == field) {
            Some((_, _, all)) => *all &= may_be_absent,
            None => self.0.push((owner.to_owned(), field.to_owned(), may_be_absent)),
        }
    }

    fn contains(&self, owner: &str, field: &str) -> bool {
        self.0.iter().any(|(of, name, may_be_absent)| *may_be_absent && of == owner && name == field)
    }
}

/// Goes through what a type consists of, in an order that fields that may be absent do not change.
struct Walk<'t> {
    tracer: &'t Tracer,
    optional: &'t OptionalFields,
    numbers: Vec<Option<u64>>,
    next: u64,
}

impl Walk<'_> {
    fn parts(&mut self, hash: Fnv, parts: &[Part]) -> Fnv {
        parts.iter().fold(hash.number(parts.len() as u64), |hash, part| self.part(hash, *part))
    }

    fn part(&mut self, hash: Fnv, part: Part) -> Fnv {
        let Part::Place(number) = part else { return hash.number(part.hash()) };
        if let Some(known) = self.numbers[number] {
            return hash.number(known);
        }
        self.numbers[number] = Some(self.next);
        self.next += 1;
        let place = &self.tracer.places[number];
        match place.outline {
            Outline::Struct(name, fields) => {
                self.fields(hash.word(name), name, fields, &place.slots[0].parts)
            }
            Outline::Enum(name, variants) => {
                let hash = hash.word(name).number(variants.len() as u64);
                variants.iter().zip(&place.slots).fold(hash, |hash, (variant, slot)| {
                    let hash = hash.word(variant);
                    match &slot.parts[..] {
                        [Part::Form(Form::Struct(fields)), parts @ ..] => {
                            self.fields(hash, variant, fields, parts)
                        }
                        parts => self.parts(hash, parts),
                    }
                })
            }
            outline => place
                .slots
                .iter()
                .fold(hash.number(outline.hash()), |hash, slot| self.parts(hash, &slot.parts)),
        }
    }

    fn fields(&mut self, hash: Fnv, of: &'static str, fields: &[&'static str], parts: &[Part]) -> Fnv {
        // Other names of a field stand among the names, and then it is not known which is which.
        if fields.len() != parts.len() {
            let hash = fields.iter().fold(hash, |hash, field| hash.word(field));
            return self.parts(hash, parts);
        }
        let mut required: Vec<_> =
            fields.iter().zip(parts).filter(|(field, _)| !self.optional.contains(of, field)).collect();
        sorted::by_key(&mut required, |(field, _)| **field);
        required.into_iter().fold(hash, |hash, (field, part)| self.part(hash.word(field), *part))
    }
}
