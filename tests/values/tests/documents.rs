//! Documents whose structure is known only at run time: JSON and TOML.

#![allow(clippy::unwrap_used, reason = "in a test, to panic is to fail")]

use serde_json::value::RawValue;
use serde_json::{Map, Number, Value, json};

#[macro_use]
mod cases;
mod support;

fn raw(text: &str) -> Box<RawValue> {
    RawValue::from_string(text.to_owned()).unwrap()
}

fn table(text: &str) -> toml::Table {
    toml::from_str(text).unwrap()
}

cases! {
    json_value: Value = CborText [
        json!({ "a": [1, -1, 1.5, -0.0, null, "x", true, u64::MAX, i64::MIN], "": {} }), Value::Null,
    ];
    json_map: Map<String, Value> = CborText [Map::from_iter([("a".to_owned(), 1.into())]), Map::new()];
    json_number: Number = CborText [1.into(), (-1).into(), u64::MAX.into(), Number::from_f64(1.5).unwrap()];
    option_of_json_value: Option<Value> = CborText [None, Some(Value::Null), Some(json!([null]))];
    json_raw_value: Box<RawValue> = Cbor [raw("{ \"b\": 1.0, \"a\" :null }"), raw("null")];
    toml_value: toml::Value = CborText [
        table("a = [1, -1, 1.5, \"x\", true]\n[b]\nc = {}").into(), toml::Value::String(String::new()),
    ];
    toml_table: toml::Table = CborText [table("a = 1"), table("")];
    toml_dates: toml::Value = CborText [table("a = 2024-02-29T23:59:59Z\nb = 2024-02-29\nc = 23:59:59.5").into()];
    toml_datetime: toml::value::Datetime = Cbor ["2024-02-29T23:59:59.5-05:30".parse().unwrap()];
}
