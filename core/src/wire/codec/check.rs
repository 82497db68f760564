//! Whether a format carries a value exactly, found by writing it, reading it and writing it again.
//!
//! What is written again may have another order where a hash map or a hash set is read, so only
//! the parts are compared.

use minicbor::Decoder;
use minicbor::data::Type;

use super::Codec;
use super::budget::{Budget, SPARE};
use super::format::Format;
use super::reader::Reader;
use super::tuples::TupleLengths;
use super::writer::Writer;
use crate::block::shape::{Subject, Value};
use crate::util::fnv::Fnv;

/// In bincode, with a mark before each part. Notes how many unnamed fields its tuples have. The
/// text says why not.
pub(crate) fn marked(subject: &Subject, value: &dyn Value, tuples: &mut TupleLengths) -> Result<(), String> {
    let mut writer = Writer::learning(Format::Marked, tuples);
    value.write(&mut writer).map_err(|error| error.to_string())?;
    comes_back(subject, Format::Marked, &writer.into_bytes())
}

/// In CBOR.
pub(crate) fn named(subject: &Subject, value: &dyn Value, codec: Codec) -> Result<(), String> {
    comes_back(subject, codec.format(), &written(value, codec.format())?)
}

fn written(value: &dyn Value, format: Format) -> Result<Vec<u8>, String> {
    let mut writer = Writer::new(Vec::new(), format, None);
    value.write(&mut writer).map_err(|error| error.to_string())?;
    Ok(writer.into_bytes())
}

/// A value of a type of which no value could be made up to try it: so this one is tried before it
/// is sent.
#[cold]
pub(super) fn value(subject: &Subject, codec: Codec, bytes: &[u8]) -> Result<(), String> {
    comes_back(subject, codec.format(), bytes)
}

/// A hash of CBOR in which the order of elements and entries does not count. `None` for what no
/// writer of ours makes.
fn digest(bytes: &[u8]) -> Option<u64> {
    let mut decoder = Decoder::new(bytes);
    let digest = digest_one(&mut decoder)?;
    (decoder.position() == bytes.len()).then_some(digest)
}

/// No deeper than what was read before, which is bounded.
fn digest_one(decoder: &mut Decoder<'_>) -> Option<u64> {
    let (begin, kind) = (decoder.position(), decoder.datatype().ok()?);
    let mut parts = Fnv::new().number(0);
    match kind {
        Type::Array | Type::ArrayIndef => {
            let count = decoder.array().ok()?;
            parts = digest_parts(decoder, count, 1)?;
        }
        Type::Map | Type::MapIndef => {
            let count = decoder.map().ok()?;
            parts = digest_parts(decoder, count, 2)?;
        }
        Type::Tag => {
            let tag = decoder.tag().ok()?;
            parts = Fnv::new().number(3).number(tag.as_u64()).number(digest_one(decoder)?);
        }
        _ => {
            decoder.skip().ok()?;
            parts = parts.bytes(decoder.input().get(begin..decoder.position())?);
        }
    }
    Some(parts.get())
}

/// The parts of an array, or pairs of those of a map, added up.
fn digest_parts(decoder: &mut Decoder<'_>, count: Option<u64>, each: u64) -> Option<Fnv> {
    let (mut sum, mut found) = (0_u64, 0);
    loop {
        let ends = match count {
            Some(count) => found == count,
            None => decoder.datatype().ok()? == Type::Break,
        };
        if ends {
            break;
        }
        let mut part = Fnv::new();
        for _ in 0..each {
            part = part.number(digest_one(decoder)?);
        }
        sum = sum.wrapping_add(part.get());
        found += 1;
    }
    if count.is_none() {
        decoder.skip().ok()?;
    }
    Some(Fnv::new().number(each).number(found).number(sum))
}

fn comes_back(subject: &Subject, format: Format, bytes: &[u8]) -> Result<(), String> {
    let mut budget = Budget::of(bytes.len(), format.ratio(), SPARE);
    let mut reader = Reader::new(bytes, format);
    let mut again = Ok(Vec::new());
    let read = subject.read(&mut reader, &mut budget, &mut |value| again = written(value, format));
    if let Some(over) = budget.exceeded() {
        return Err(over.to_string());
    }
    read.map_err(|error| error.to_string())?;
    match reader.left() {
        0 => {
            let again = again?;
            let is_same = again == bytes
                || format.is_named() && digest(&again).is_some_and(|again| Some(again) == digest(bytes));
            if is_same { Ok(()) } else { Err("what is read is not what was written".to_owned()) }
        }
        left => Err(format!("{left} bytes are left over")),
    }
}

/// Tells for each field that a value has whether it may be absent where it is read by name, with
/// the struct or the variant that it belongs to and its own name.
pub(crate) fn optional_fields(
    subject: &Subject,
    value: &dyn Value,
    codec: Codec,
    tell: &mut dyn FnMut(&str, &str, bool),
) {
    let format = codec.format();
    let Ok(bytes) = written(value, format) else { return };
    for number in 0.. {
        let mut budget = Budget::of(bytes.len(), format.ratio(), SPARE);
        let mut reader = Reader::without(&bytes, format, number);
        let result = subject.read(&mut reader, &mut budget, &mut |_| {});
        let Some((owner, field)) = reader.absent() else { return };
        tell(owner, field, result.is_ok());
    }
}
