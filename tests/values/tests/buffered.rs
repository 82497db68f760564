//! Types inside `untagged`, `tag` and `flatten`: serde reads these through a buffer of its own, in
//! which some values look alike.

#![allow(clippy::unwrap_used, reason = "in a test, to panic is to fail")]
#![allow(clippy::option_option, reason = "told apart here: `None` and `Some(None)`")]
#![allow(dead_code, reason = "what arrives is compared by its `Debug` text")]

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

#[macro_use]
mod cases;
mod support;

/// The same field in an enum with a tag, in an untagged one, and flattened.
#[derive(Debug, Serialize, Deserialize)]
struct Buffered<T> {
    tagged: Tagged<T>,
    untagged: Untagged<T>,
    flattened: Flattened<T>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "kind")]
enum Tagged<T> {
    Value { value: T },
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum Untagged<T> {
    Value { value: T },
}

#[derive(Debug, Serialize, Deserialize)]
struct Flattened<T> {
    before: u8,
    #[serde(flatten)]
    inner: Inner<T>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Inner<T> {
    value: T,
}

fn all<T: Clone>(value: T) -> Buffered<T> {
    Buffered {
        tagged: Tagged::Value { value: value.clone() },
        untagged: Untagged::Value { value: value.clone() },
        flattened: Flattened { before: 1, inner: Inner { value } },
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
enum External {
    Unit,
    Newtype(u8),
    Struct { a: u8 },
}

/// What is flattened twice, and into a variant.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "kind", content = "of")]
enum Deep {
    Unit(()),
    Value {
        #[serde(flatten)]
        one: Inner<u8>,
        #[serde(flatten)]
        rest: BTreeMap<String, serde_json::Value>,
    },
}

/// Types that CBOR without texts would carry, beside one that needs texts.
#[derive(Debug, Serialize, Deserialize)]
struct Mixed {
    value: serde_json::Value,
    os: std::ffi::OsString,
    raw: Box<serde_json::value::RawValue>,
    date: toml::value::Datetime,
    decimal: rust_decimal::Decimal,
    weekday: chrono::Weekday,
    skipped: Skipped,
}

#[derive(Debug, Serialize, Deserialize)]
enum Skipped {
    #[serde(skip)]
    Local,
    Put(u8),
}

fn deep(key: &str) -> Deep {
    let one = Inner { value: 2 };
    Deep::Value { one, rest: [(key.to_owned(), serde_json::json!([null]))].into() }
}

fn mixed() -> Mixed {
    Mixed {
        value: serde_json::Value::Null,
        os: "a".into(),
        raw: serde_json::value::RawValue::from_string("{ }".to_owned()).unwrap(),
        date: "2024-02-29".parse().unwrap(),
        decimal: rust_decimal::Decimal::new(100, 2),
        weekday: chrono::Weekday::Sun,
        skipped: Skipped::Put(1),
    }
}

cases! {
    buffered_vec_of_bytes: Buffered<Vec<u8>> = CborText [all(vec![]), all(vec![0, 0xff])];
    buffered_vec_of_floats: Buffered<Vec<f64>> = CborText [all(vec![]), all(vec![-0.0, f64::NAN])];
    buffered_duration: Buffered<std::time::Duration> = CborText [all(std::time::Duration::MAX)];
    buffered_dates: Buffered<(chrono::NaiveDate, time::Date)> = CborText [all((chrono::NaiveDate::MIN, time::Date::MIN))];
    buffered_decimal: Buffered<rust_decimal::Decimal> = CborText [all(rust_decimal::Decimal::new(-100, 2))];
    buffered_json: Buffered<serde_json::Value> = CborText [all(serde_json::json!({ "a": [1, -1, 1.5, null] }))];
    flattened_twice: Deep = CborText [Deep::Unit(()), deep("k"), deep("")];
    beside_what_needs_texts: Mixed = CborText [mixed()];
    buffered_integers: Buffered<(i64, u64, i8)> = CborText [all((i64::MIN, u64::MAX, -1))];
    buffered_floats: Buffered<(f32, f64)> = CborText [all((0.1, 0.1)), all((f32::NAN, -0.0)), all((1.0, f64::INFINITY))];
    buffered_char: Buffered<char> = CborText [all('\u{e4}')];
    buffered_unit: Buffered<()> = CborText [all(())];
    buffered_option: Buffered<Option<u8>> = CborText [all(None), all(Some(1))];
    buffered_byte_buf: Buffered<serde_bytes::ByteBuf> = CborText [all(serde_bytes::ByteBuf::from(vec![0, 0xff]))];
    buffered_number_keys: Buffered<BTreeMap<u32, i8>> = CborText [all([(1, -1), (u32::MAX, 2)].into())];
    buffered_bool_keys: Buffered<BTreeMap<bool, i8>> = CborText [all([(false, -1), (true, 2)].into())];
    buffered_enum: Buffered<External> = CborText [
        all(External::Unit), all(External::Newtype(1)), all(External::Struct { a: 2 }),
    ];
    buffered_ip_address: Buffered<IpAddr> = CborText [all("127.0.0.1".parse().unwrap()), all("::1".parse().unwrap())];
    buffered_uuid: Buffered<uuid::Uuid> = CborText [all(uuid::Uuid::max())];
    buffered_array: Buffered<[u8; 4]> = CborText [all([1, 2, 3, 4])];
    buffered_result: Buffered<Result<u8, String>> = CborText [all(Ok(1)), all(Err("e".into()))];
    buffered_option_of_option: Buffered<Option<Option<u8>>> = CborText [all(None), all(Some(None)), all(Some(Some(1)))];
    buffered_option_of_unit: Buffered<Option<()>> = CborText [all(None), all(Some(()))];
}
