//! The shape of a type: what serde would write of it, all the way down, as a hash; and which codec
//! carries its values.
//!
//! Two programs that exchange a value must agree on its fields and variants, and on those of every
//! type inside it. A type says what it consists of only while it is deserialized. So it is
//! deserialized here from nothing: whatever it asks for is given a dummy, and what it asked for is
//! its shape. Names of structs, enums, variants and fields count, and the kinds of the primitives,
//! in their order; where a type is defined does not. [`tracer`] says how all variants are seen.
//!
//! The values that are made so are also written and read again, with a mark before each part. If
//! each of them comes back as it was, and nothing was left over or asked for in vain, bincode
//! carries the type; if not, CBOR is tried in the same way. A field that is left out, or a variant
//! that serde numbers differently when it writes and when it reads, shows here and not in a value
//! that arrives changed.
//!
//! Some types cannot be made of dummies. What was seen of them counts, and beside it the name of
//! the whole type. They travel by CBOR, unless a type asked for one primitive alone before it
//! refused it: then there is nothing that bincode could shift.

mod description;
mod dummy;
mod place;
mod subject;
#[cfg(test)]
mod tests;
mod trace;
mod tracer;

pub(crate) use self::description::{Description, Difference};
pub(crate) use self::subject::{Subject, Value};
use self::tracer::{OptionalFields, Tracer};
use crate::block::type_names;
use crate::channel::scope;
use crate::util::guard;
use crate::wire::codec::{self, Carriage, Codec, TupleLengths};

/// What is known of a type.
#[derive(Debug)]
pub(crate) struct Shape {
    pub(crate) hash: u64,
    /// The innermost type that could not be seen whole.
    pub(crate) opaque: Option<&'static str>,
    /// How its values travel, or why they cannot.
    pub(crate) carriage: Result<Carriage, CannotTravel>,
}

/// Why the values of a type cannot travel.
#[derive(Clone, Debug, thiserror::Error)]
#[error(
    "`{type_name}` cannot travel: {reason}; what its `Serialize` writes has to be what its `Deserialize` reads: give a field that may be left out \
     `#[serde(default)]` and a name, and `serialize_with` its `deserialize_with`"
)]
pub(crate) struct CannotTravel {
    type_name: String,
    reason: String,
}

/// The shape of a type, and how its values travel.
pub(crate) fn of(subject: &Subject) -> Shape {
    scope::tracing(|| {
        let (tracer, trial) = tried(subject);
        let (opaque, hash) = (tracer.opaque(), tracer.hash(subject.name));
        Shape { hash, opaque, carriage: trial.verdict(subject, &tracer, true) }
    })
}

/// The same where values may grow: they travel by name, and a field that may be absent is no part
/// of the shape.
pub(crate) fn of_evolving(subject: &Subject) -> Shape {
    scope::tracing(|| of_growing(subject))
}

fn of_growing(subject: &Subject) -> Shape {
    let (tracer, trial) = tried(subject);
    let carriage = trial.verdict(subject, &tracer, false);
    let codec = carriage.as_ref().map_or(Codec::Cbor, Carriage::codec);
    let mut optional = OptionalFields::default();
    Tracer::default().trace(subject, &mut |value| {
        // A type's own code runs here with what it may never have met.
        let _ = guard::run(|| {
            codec::optional_fields(subject, value, codec, &mut |owner, field, may_be_absent| {
                optional.tell(owner, field, may_be_absent);
            });
        });
    });
    let (opaque, hash) = (tracer.opaque(), tracer.hash_of_required(subject.name, &optional));
    Shape { hash, opaque, carriage }
}

/// What a type consists of, to be told.
pub(crate) fn describe(subject: &Subject) -> Description {
    let mut tracer = Tracer::default();
    scope::tracing(|| tracer.trace(subject, &mut |_| {}));
    Description::of(&tracer)
}

fn tried(subject: &Subject) -> (Tracer, Trial) {
    let (mut tracer, mut trial) = (Tracer::default(), Trial::default());
    tracer.trace(subject, &mut |value| trial.bincode_and_cbor(subject, value));
    (tracer, trial)
}

/// Which codecs have carried all values so far.
#[derive(Default)]
struct Trial {
    bincode: Fitness,
    cbor: Fitness,
    cbor_text: Fitness,
    tuples: TupleLengths,
    values: usize,
}

/// `Some` is the first reason why not.
type Fitness = Option<String>;

impl Trial {
    fn bincode_and_cbor(&mut self, subject: &Subject, value: &dyn Value) {
        let Self { bincode, cbor, tuples, values, .. } = self;
        *values += 1;
        attempt(bincode, &mut || codec::marked(subject, value, tuples));
        attempt(cbor, &mut || codec::named(subject, value, Codec::Cbor));
    }

    fn verdict(
        mut self,
        subject: &Subject,
        tracer: &Tracer,
        may_be_bincode: bool,
    ) -> Result<Carriage, CannotTravel> {
        let is_whole = tracer.opaque().is_none() && self.values > 0;
        if may_be_bincode
            && self.bincode.is_none()
            && !tracer.wants_names()
            && (is_whole || tracer.is_one_primitive())
        {
            let otherwise = self.cbor.is_none().then_some(Codec::Cbor);
            let carriage = Carriage::new(Codec::Bincode, otherwise, self.tuples);
            return Ok(carriage.with_ends(tracer.has_ends));
        }
        if self.cbor.is_none() && !tracer.wants_names() {
            return Ok(by_name(Codec::Cbor, is_whole, tracer, subject));
        }
        Tracer::default().trace(subject, &mut |value| {
            attempt(&mut self.cbor_text, &mut || codec::named(subject, value, Codec::CborText));
        });
        match self.cbor_text {
            None => Ok(by_name(Codec::CborText, is_whole, tracer, subject)),
            Some(reason) => Err(CannotTravel { type_name: type_names::of_user(subject.name), reason }),
        }
    }
}

/// What could not be tried with made-up values is tried with each real one.
fn by_name(codec: Codec, is_whole: bool, tracer: &Tracer, subject: &Subject) -> Carriage {
    if is_whole {
        Carriage::new(codec, None, TupleLengths::new()).with_ends(tracer.has_ends)
    } else {
        Carriage::untried(codec, *subject)
    }
}

/// A type's own code runs here with values that it may never have met.
fn attempt(fitness: &mut Fitness, check: &mut dyn FnMut() -> Result<(), String>) {
    if fitness.is_none() {
        let checked = guard::run(check);
        *fitness = checked.unwrap_or_else(|_| Err("its `Serialize` panicked".to_owned())).err();
    }
}
