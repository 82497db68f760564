//! CBOR: what comes back, what others can read, what is refused; and which codec is chosen for
//! which type.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::error::Error;
use std::fmt::Debug;
use std::net::IpAddr;

use proptest::prelude::*;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::*;
use crate::block::shape;

const NAMED: [Codec; 2] = [Codec::Cbor, Codec::CborText];

#[track_caller]
fn returns<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T) {
    for codec in NAMED {
        let bytes = codec.encode(0, value).unwrap();
        assert_eq!(&codec.decode::<T>(&bytes).unwrap(), value, "{codec}: {bytes:02x?}");
        for end in 0..bytes.len() {
            assert!(codec.decode::<T>(&bytes[..end]).is_err(), "{codec}: cut after {end} bytes");
        }
    }
}

fn cbor<T: Serialize>(value: &T) -> Vec<u8> {
    Codec::Cbor.encode(0, value).unwrap()
}

fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, DecodeError> {
    Codec::Cbor.decode(bytes)
}

#[track_caller]
fn reason<T: DeserializeOwned + Debug>(bytes: &[u8]) -> String {
    decode::<T>(bytes).unwrap_err().source().unwrap().to_string()
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Order {
    id: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    coupon: Option<u8>,
    price: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Kind {
    Unit,
    New(Vec<u8>),
    Tuple(i16, Option<Vec<f32>>),
    Struct { map: BTreeMap<u8, Vec<f64>>, flag: bool },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Untagged {
    Number(i64),
    Address(IpAddr),
    Absent(Option<()>),
    List(Vec<Option<u8>>),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind")]
enum Tagged {
    A {
        address: IpAddr,
        #[expect(clippy::option_option, reason = "whatever serde can write has to come back")]
        maybe: Option<Option<u8>>,
    },
    B,
}

#[test]
fn every_kind_of_value_comes_back() {
    returns(&(true, u8::MAX, u16::MAX, u32::MAX, u64::MAX, u128::MAX));
    returns(&(i8::MIN, i16::MIN, i32::MIN, i64::MIN, i128::MIN, i128::from(u64::MAX) + 1));
    returns(&(f32::MIN_POSITIVE, f64::INFINITY, 'ß', "\u{1F980}".to_owned(), ()));
    returns(&vec![
        Kind::Unit,
        Kind::New(vec![1, 2]),
        Kind::Tuple(-1, Some(vec![1.5])),
        Kind::Struct { map: BTreeMap::from([(7, vec![-0.0])]), flag: true },
    ]);
    returns(&BTreeMap::from([((1u8, -2i8), BTreeSet::from(['a', 'b'])), ((1, 3), BTreeSet::new())]));
    returns(&("127.0.0.1".parse::<IpAddr>().unwrap(), std::time::Duration::from_nanos(6)));
    returns(&(Ok::<u8, String>(1), Err::<u8, String>("no".to_owned()), [[0u8; 3]; 2]));
    returns(&std::path::PathBuf::from("a/path"));
}

#[test]
fn each_level_of_an_option_is_told_apart() {
    returns(&[None, Some(())]);
    returns(&[None, Some(None), Some(Some(()))]);
    returns(&[None, Some(None), Some(Some(None)), Some(Some(Some(7u8)))]);
    returns(&[Untagged::Absent(Some(())), Untagged::List(vec![None, Some(1)]), Untagged::Number(-1)]);
}

#[test]
fn bits_of_floats_are_kept() {
    for bits in [f64::NAN.to_bits(), 0x7ff8_0000_dead_beef, (-0.0f64).to_bits(), 1] {
        let bytes = cbor(&f64::from_bits(bits));
        assert_eq!(decode::<f64>(&bytes).unwrap().to_bits(), bits);
    }
    let bits = 0x7fc0_1234_u32;
    assert_eq!(decode::<f32>(&cbor(&f32::from_bits(bits))).unwrap().to_bits(), bits);
}

/// serde reads these through a buffer that asks for the form that values have in texts.
#[test]
fn buffered_enums_come_back_by_the_codec_with_texts() {
    for value in [
        Tagged::A { address: "127.0.0.1".parse().unwrap(), maybe: Some(Some(1)) },
        Tagged::A { address: "::1".parse().unwrap(), maybe: Some(None) },
        Tagged::B,
    ] {
        let bytes = Codec::CborText.encode(0, &value).unwrap();
        assert_eq!(Codec::CborText.decode::<Tagged>(&bytes).unwrap(), value);
    }
    let value = Untagged::Address("10.0.0.1".parse().unwrap());
    let bytes = Codec::CborText.encode(0, &value).unwrap();
    assert_eq!(Codec::CborText.decode::<Untagged>(&bytes).unwrap(), value);
}

/// Written down once, by RFC 8949: what another language sees.
#[test]
fn bytes_are_those_of_the_standard() {
    let order = Order { id: 500, coupon: None, price: 7 };
    assert_eq!(cbor(&order), b"\xa2\x62id\x19\x01\xf4\x65price\x07");
    assert_eq!(cbor(&Kind::Unit), b"\x64Unit");
    assert_eq!(cbor(&Kind::Tuple(-1, None)), b"\xa1\x65Tuple\x82\x20\xf6");
    assert_eq!(cbor(&(u128::from(u64::MAX) + 1)), b"\xc2\x49\x01\0\0\0\0\0\0\0\0");
}

#[test]
fn what_other_encoders_write_is_read() {
    // Parts without a length before them, fields in another order, one that is not known, and a
    // remark
    // on a value.
    let bytes = b"\xbf\x65price\x07\x63new\x83\x01\x02\x9f\x03\xff\x62id\x19\x01\xf4\xff";
    assert_eq!(decode::<Order>(bytes).unwrap(), Order { id: 500, coupon: None, price: 7 });
    assert_eq!(decode::<Vec<u8>>(b"\x9f\x01\x02\xff").unwrap(), [1, 2]);
    assert_eq!(decode::<Vec<u8>>(b"\x42\x01\x02").unwrap(), [1, 2]);
    assert_eq!(decode::<Untagged>(b"\xc1\x05").unwrap(), Untagged::Number(5));
}

#[test]
fn faults_name_the_field() {
    let missing = b"\x81\xa1\x62id\x05";
    assert!(reason::<(Order,)>(missing).contains("missing field `price`"), "{}", reason::<(Order,)>(missing));
    let nested = cbor(&BTreeMap::from([("order", BTreeMap::from([("id", "text")]))]));
    let reason = reason::<BTreeMap<String, Order>>(&nested);
    assert!(reason.starts_with("field `order.id`: "), "{reason}");
}

#[test]
fn a_value_of_another_form_is_refused() {
    assert!(reason::<(u8, u8)>(b"\x83\x01\x02\x03").contains("3 unnamed fields"));
    assert!(reason::<Kind>(b"\xa1\x64Unit\x01").contains("has a value"));
    assert!(reason::<Kind>(b"\x63New").contains("has no value"));
    assert!(reason::<Kind>(b"\xa2\x63New\x40\x64Unit\xf6").contains("one entry"));
    assert!(decode::<u8>(b"\x19\x01\0").is_err(), "256 is no u8");
    assert!(decode::<char>(b"\x62ab").is_err());
    assert!(decode::<String>(b"\x61\xff").is_err());
    assert_eq!(reason::<u8>(b"\x01\x01"), "1 bytes are left over");
}

fn is_too_deep<T: Debug>(result: &Result<T, DecodeError>) -> bool {
    result.as_ref().is_err_and(|error| error.over_budget() == Some(OverBudget::Depth { limit: 64 }))
}

#[derive(Debug, Serialize, Deserialize)]
struct Tree(Vec<Tree>);

#[test]
fn hostile_nesting_ends_in_an_error_on_a_small_stack() {
    let decode_all = || {
        for depth in [64, 1 << 20] {
            let arrays = vec![0x81; depth + 1];
            assert!(is_too_deep(&decode::<Tree>(&arrays)));
            assert!(is_too_deep(&decode::<Untagged>(&arrays)));
            assert!(is_too_deep(&decode::<Untagged>(&vec![0x9f; depth + 1])));
            assert!(is_too_deep(&decode::<Untagged>(&b"\xda\x00\x01\x3b\xa8".repeat(depth + 1))));
            // What is not known is left out, however deep it is.
            let unknown = [&b"\xa1\x61x"[..], &vec![0x81; depth], &[0]].concat();
            assert!(reason::<Order>(&unknown).contains("missing field"));
        }
    };
    std::thread::Builder::new().stack_size(2 << 20).spawn(decode_all).unwrap().join().unwrap();
}

#[test]
fn announced_lengths_are_no_allocations() {
    for head in [0x9b_u8, 0xbb, 0x5b, 0x7b] {
        let bytes = [&[head][..], &u64::MAX.to_be_bytes()].concat();
        assert!(decode::<Vec<u16>>(&bytes).is_err());
        assert!(decode::<HashMap<u8, ()>>(&bytes).is_err());
        assert!(decode::<String>(&bytes).is_err());
        assert!(decode::<Untagged>(&bytes).is_err());
        assert!(decode::<Order>(&bytes).is_err());
    }
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Status {
    New,
    #[serde(skip)]
    #[expect(dead_code, reason = "only its number matters")]
    Internal,
    Paid,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Hidden {
    first: u8,
    #[serde(default, skip_serializing)]
    hidden: u8,
    list: Vec<u8>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Flat {
    #[serde(flatten)]
    order: Order,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Short(u8, #[serde(default, skip_serializing_if = "is_zero")] u8, #[serde(default)] u8);

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Rare(u8, #[serde(default, skip_serializing_if = "is_seven_and_fifty")] u8, #[serde(default)] u8);

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct RareField {
    #[serde(default = "fifty_seven", skip_serializing_if = "is_seven_and_fifty")]
    rare: u8,
    other: u8,
}

fn is_zero(number: &u8) -> bool {
    *number == 0
}

fn is_seven_and_fifty(number: &u8) -> bool {
    *number == 57
}

fn fifty_seven() -> u8 {
    57
}

/// A text that few made-up values are.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
struct Checked(String);

impl TryFrom<String> for Checked {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if text.starts_with("checked:") { Ok(Self(text)) } else { Err("not checked") }
    }
}

impl From<Checked> for String {
    fn from(checked: Checked) -> Self {
        checked.0
    }
}

impl Clone for Checked {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

/// Writes a number and reads a text.
#[derive(Debug)]
struct Liar;

impl Serialize for Liar {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8(1)
    }
}

impl<'de> Deserialize<'de> for Liar {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|_| Self)
    }
}

fn shape_of<T: Serialize + DeserializeOwned>() -> shape::Shape {
    shape::of(&shape::Subject::of::<T>())
}

fn evolving_shape_of<T: Serialize + DeserializeOwned>() -> shape::Shape {
    shape::of_evolving(&shape::Subject::of::<T>())
}

fn codec_of<T: Serialize + DeserializeOwned + 'static>() -> Option<Codec> {
    shape_of::<T>().carriage.ok().map(|carriage| carriage.codec())
}

#[test]
fn plain_types_travel_by_bincode() {
    assert_eq!(codec_of::<(u8, String, Vec<Option<f64>>, HashMap<String, [u8; 4]>)>(), Some(Codec::Bincode));
    assert_eq!(codec_of::<Vec<Kind>>(), Some(Codec::Bincode));
    assert_eq!(codec_of::<(crate::PeerId, IpAddr, std::time::Duration)>(), Some(Codec::Bincode));
    assert_eq!(codec_of::<Checked>(), Some(Codec::Bincode), "it asked for one text before it refused");
    assert_eq!(codec_of::<(Checked,)>(), Some(Codec::Bincode));
    assert_eq!(codec_of::<Tree>(), Some(Codec::Bincode));
    assert_eq!(codec_of::<()>(), Some(Codec::Bincode));
}

#[test]
fn types_that_bincode_would_change_travel_by_name() {
    for (name, codec) in [
        ("left out if absent", codec_of::<Order>()),
        ("nested", codec_of::<Vec<(u8, Option<Order>)>>()),
        ("never written", codec_of::<Hidden>()),
        ("skipped variant", codec_of::<BTreeMap<u8, Status>>()),
        ("cannot be made whole", codec_of::<(u8, Checked)>()),
    ] {
        assert_eq!(codec, Some(Codec::Cbor), "{name}");
    }
    for (name, codec) in [
        ("flatten", codec_of::<Flat>()),
        ("untagged", codec_of::<Vec<Untagged>>()),
        ("tag", codec_of::<Option<Tagged>>()),
    ] {
        assert_eq!(codec, Some(Codec::CborText), "{name}");
    }
}

#[test]
fn a_type_that_nothing_carries_says_why() {
    let told =
        |carriage: Result<Carriage, crate::block::shape::CannotTravel>| carriage.unwrap_err().to_string();
    let text = told(shape_of::<(Short,)>().carriage);
    assert!(text.starts_with("`Short` cannot travel: "), "{text}");
    assert!(text.contains("2 unnamed fields or elements where there are 3"), "{text}");
    let text = told(shape_of::<Vec<Liar>>().carriage);
    assert!(text.starts_with("`Vec<Liar>` cannot travel: "), "{text}");
}

#[test]
fn values_that_made_up_ones_do_not_show_are_not_changed_either() {
    let carriage = shape_of::<Rare>().carriage.unwrap();
    assert_eq!(carriage.codec(), Codec::Bincode);
    assert_eq!(carriage.encode(0, &Rare(1, 2, 3)).unwrap().codec, Codec::Bincode);
    let error = carriage.encode(0, &Rare(1, 57, 3)).unwrap_err();
    assert!(error.source().unwrap().to_string().contains("`Rare` is written with 2 of its 3"), "{error:?}");
    let carriage = shape_of::<RareField>().carriage.unwrap();
    for rare in [1, 57] {
        let value = RareField { rare, other: 9 };
        let Written { codec, bytes, .. } = carriage.encode(0, &value).unwrap();
        assert_eq!(codec, if rare == 57 { Codec::Cbor } else { Codec::Bincode });
        assert_eq!(codec.decode::<RareField>(&bytes).unwrap(), value);
    }
}

#[test]
fn a_shape_that_may_grow_ignores_fields_that_may_be_absent() {
    mod one {
        #[derive(serde::Serialize, serde::Deserialize)]
        pub(super) struct Order {
            pub(super) id: u8,
        }
    }
    mod grown {
        #[derive(serde::Serialize, serde::Deserialize)]
        pub(super) struct Order {
            #[serde(default)]
            pub(super) tags: Vec<String>,
            pub(super) id: u8,
            pub(super) note: Option<Box<str>>,
        }
    }
    mod other {
        #[derive(serde::Serialize, serde::Deserialize)]
        pub(super) struct Order {
            pub(super) id: u8,
            pub(super) tags: Vec<String>,
        }
    }
    let [one, grown, other] = [
        evolving_shape_of::<Vec<one::Order>>(),
        evolving_shape_of::<Vec<grown::Order>>(),
        evolving_shape_of::<Vec<other::Order>>(),
    ];
    assert_eq!(one.hash, grown.hash);
    assert_ne!(one.hash, other.hash, "a new field that is asked for is another interface");
    assert_eq!(grown.carriage.unwrap().codec(), Codec::Cbor);
    let bytes = cbor(&grown::Order { tags: vec!["new".to_owned()], id: 7, note: None });
    assert_eq!(decode::<one::Order>(&bytes).unwrap().id, 7);
    let bytes = cbor(&one::Order { id: 7 });
    let order = decode::<grown::Order>(&bytes).unwrap();
    assert!((order.id, order.tags.len(), order.note) == (7, 0, None));
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..500)) {
        for codec in NAMED {
            let _ = codec.decode::<Vec<Kind>>(&bytes);
            let _ = codec.decode::<Vec<Untagged>>(&bytes);
            let _ = codec.decode::<Tagged>(&bytes);
            let _ = codec.decode::<Flat>(&bytes);
            let _ = codec.decode::<(String, char, bool, i128, IpAddr)>(&bytes);
            let _ = codec.decode::<HashMap<Option<u8>, Vec<Status>>>(&bytes);
        }
    }

    #[test]
    fn what_was_written_comes_back(
        value: (Vec<(u64, String)>, Option<Option<char>>, BTreeMap<i16, Vec<bool>>, u128, i128, (i64, f64))
    ) {
        prop_assume!(!value.5.1.is_nan());
        returns_whole(&value)?;
    }

    #[test]
    fn orders_come_back_whatever_is_left_out(id: u64, coupon: Option<u8>, price: u32) {
        let value = vec![Order { id, coupon, price }];
        let Written { codec, bytes, .. } = shape_of::<Vec<Order>>().carriage.unwrap().encode(0, &value).unwrap();
        prop_assert_eq!(codec.decode::<Vec<Order>>(&bytes).unwrap(), value);
    }
}

fn returns_whole<T: Serialize + DeserializeOwned + PartialEq + Debug>(
    value: &T,
) -> Result<(), TestCaseError> {
    for codec in NAMED {
        let bytes = codec.encode(0, value).unwrap();
        prop_assert_eq!(&codec.decode::<T>(&bytes).unwrap(), value);
    }
    Ok(())
}
