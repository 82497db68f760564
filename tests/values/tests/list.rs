//! Values of many types, each sent to another peer over a socket and back.

use std::{
    borrow::Cow,
    cell::{Cell, RefCell},
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque},
    marker::PhantomData,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6},
    num::{NonZeroU8, NonZeroU64, Wrapping},
    ops::{Bound, Range, RangeInclusive},
    path::PathBuf,
    time::{Duration, SystemTime},
};

use actix_web::{App, HttpServer};
use distributed_scope::{Blocks, Peer, PeerId, RemoteError, distributed, remote};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum External {
    Unit,
    Newtype(u32),
    Tuple(u8, String),
    Struct { a: i64, b: Option<bool> },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind")]
pub enum Internal {
    Unit,
    Struct { a: i64, b: Option<bool> },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "of")]
pub enum Adjacent {
    Unit,
    Newtype(u32),
    Tuple(u8, String),
    Struct { a: i64 },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Untagged {
    Number(i64),
    Text(String),
    Struct { a: bool },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum WithSkipped {
    First,
    #[serde(skip)]
    #[allow(dead_code)]
    Local,
    Put(String),
    Delete(String),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Renamed {
    first_name: String,
    #[serde(rename = "n")]
    number: u8,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TwoNames {
    #[serde(rename(serialize = "out", deserialize = "in"), alias = "out")]
    name: u32,
    other: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Alias {
    #[serde(alias = "old")]
    new: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SkipIf {
    id: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    coupon: Option<u32>,
    count: u32,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    notes: Vec<u8>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Skips {
    a: u32,
    #[serde(skip)]
    b: u32,
    #[serde(skip_serializing, default)]
    c: u32,
    d: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SkipDeserializing {
    a: u32,
    #[serde(skip_deserializing)]
    b: u32,
    c: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Inner {
    x: i32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FlattenStruct {
    a: u8,
    #[serde(flatten)]
    inner: Inner,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FlattenMap {
    a: u8,
    #[serde(flatten)]
    rest: BTreeMap<String, u32>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Transparent {
    inner: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "u32", into = "u32")]
pub struct FromInto(u32);
impl From<u32> for FromInto {
    fn from(n: u32) -> Self {
        Self(n)
    }
}
impl From<FromInto> for u32 {
    fn from(n: FromInto) -> Self {
        n.0
    }
}

/// The other peer, and a client that is connected to it.
async fn two_peers() -> (PeerId, Peer) {
    let server = Peer::builder(PeerId::random()).expose(Blocks::all()).start();
    let id = server.id();
    let http = HttpServer::new(move || App::new().service(server.service("/scope")))
        .workers(1)
        .bind(("127.0.0.1", 0))
        .unwrap();
    let address = http.addrs()[0];
    actix_web::rt::spawn(http.run());
    let client = Peer::builder(PeerId::random()).start();
    client.connect(format!("ws://{address}/scope")).await.unwrap();
    (id, client)
}

/// One function and one test for each type. The value is sent alone, in a `Vec`, in an `Option` and between two other
/// captures, and all of it returns. Values are compared by their `Debug` text, which also tells -0.0 from 0.0.
macro_rules! cases { ($($name:ident: $t:ty = [$($value:expr),* $(,)?];)*) => {
    mod functions { use super::*; $(
        #[distributed]
        pub async fn $name(to: PeerId, before: u32, value: $t, after: String, many: Vec<$t>, maybe: Option<$t>)
            -> Result<(u32, $t, String, Vec<$t>, Option<$t>), RemoteError> {
            remote!(to, [before, value, after, many, maybe], { (before, value, after, many, maybe) }).await
        }
    )* }
    $(
        #[actix_web::test]
        async fn $name() {
            let (id, client) = two_peers().await;
            let make = || -> Vec<$t> { vec![$($value),*] };
            for i in 0..make().len() {
                let all = || (7_u32, make().swap_remove(i), "after".to_owned(), make(), Some(make().swap_remove(i)));
                let (before, value, after, many, maybe) = all();
                let back = client.run(functions::$name(id, before, value, after, many, maybe)).await;
                let back = back.unwrap_or_else(|e| panic!("{:?}: {e:#}", make().swap_remove(i)));
                assert_eq!(format!("{back:?}"), format!("{:?}", all()));
            }
        }
    )*
} }

cases! {
    i128_values: i128 = [i128::MIN, -1, 0, i128::MAX];
    u128_values: u128 = [0, u128::MAX];
    u64_values: u64 = [0, u64::MAX];
    i64_values: i64 = [i64::MIN, i64::MAX];
    f64_values: f64 = [-0.0, f64::INFINITY, f64::NEG_INFINITY, f64::MIN_POSITIVE, f64::NAN];
    f32_values: f32 = [-0.0, f32::INFINITY, f32::NAN, 0.1];
    char_values: char = ['a', '\u{10ffff}'];
    unit_values: () = [()];
    tuple_values: (u8, String, Option<i16>) = [(1, "x".into(), None)];
    array_values: [u8; 32] = [[7; 32]];
    nested_option_values: Option<Option<u8>> = [None, Some(None), Some(Some(1))];
    option_of_unit: Option<()> = [None, Some(())];
    option_of_option_of_unit: Option<Option<()>> = [None, Some(None), Some(Some(()))];
    result_values: Result<u8, String> = [Ok(1), Err("e".into())];
    vec_deque: VecDeque<u16> = [VecDeque::from([1, 2])];
    hash_map_with_integer_keys: HashMap<u32, String> = [HashMap::from([(1, "a".into())])];
    map_with_tuple_keys: BTreeMap<(u8, bool), u8> = [BTreeMap::from([((1, true), 2), ((2, false), 3)])];
    sets: (HashSet<u8>, BTreeSet<String>) = [(HashSet::from([1]), BTreeSet::from(["a".into()]))];
    boxed: Box<str> = ["a".into()];
    cow: Cow<'static, str> = [Cow::Borrowed("a")];
    ranges: (Range<u8>, RangeInclusive<i8>, Bound<u8>) = [(1..2, -1..=1, Bound::Excluded(3)), (0..0, 0..=0, Bound::Unbounded)];
    durations: Duration = [Duration::ZERO, Duration::MAX];
    system_time: SystemTime = [SystemTime::UNIX_EPOCH + Duration::new(5, 6)];
    ip_addresses: IpAddr = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
    socket_addresses: SocketAddr = [([1, 2, 3, 4], 5).into(), SocketAddrV6::new(Ipv6Addr::LOCALHOST, 5, 0, 0).into()];
    path_buf: PathBuf = [PathBuf::from("/a/b")];
    non_zero: (NonZeroU8, NonZeroU64) = [(NonZeroU8::MAX, NonZeroU64::MIN)];
    wrappers: (Wrapping<u8>, Reverse<i8>, PhantomData<u8>) = [(Wrapping(1), Reverse(-1), PhantomData)];
    cells: (Cell<u8>, RefCell<String>) = [(Cell::new(1), RefCell::new("a".into()))];
    uuid: uuid::Uuid = [uuid::Uuid::nil(), uuid::Uuid::max()];
    bytes: bytes::Bytes = [bytes::Bytes::from_static(b"\0\xff")];
    json_value: serde_json::Value = [serde_json::json!({"a": [1, -1, 1.5, null, "x", true]}), serde_json::Value::Null];
    option_of_json_value: Option<serde_json::Value> = [None, Some(serde_json::Value::Null)];
    json_map: serde_json::Map<String, serde_json::Value> = [serde_json::Map::from_iter([("a".to_owned(), 1.into())])];
    json_number: serde_json::Number = [1.into(), (-1).into(), u64::MAX.into()];
    externally_tagged: External = [External::Unit, External::Newtype(1), External::Tuple(2, "x".into()), External::Struct { a: -1, b: None }];
    internally_tagged: Internal = [Internal::Unit, Internal::Struct { a: -1, b: Some(true) }];
    adjacently_tagged: Adjacent = [Adjacent::Unit, Adjacent::Newtype(1), Adjacent::Tuple(2, "x".into()), Adjacent::Struct { a: -1 }];
    untagged: Untagged = [Untagged::Number(-1), Untagged::Text("x".into()), Untagged::Struct { a: true }];
    enum_with_skipped_variant: WithSkipped = [WithSkipped::First, WithSkipped::Put("a".into()), WithSkipped::Delete("b".into())];
    renamed: Renamed = [Renamed { first_name: "a".into(), number: 1 }];
    two_names_with_alias: TwoNames = [TwoNames { name: 1, other: 2 }];
    alias: Alias = [Alias { new: 1 }];
    skip_serializing_if: SkipIf = [SkipIf { id: 1, coupon: None, count: 1, notes: vec![] }, SkipIf { id: 1, coupon: Some(7), count: 2, notes: vec![0] }];
    skip_fields_at_their_default: Skips = [Skips { a: 1, b: 0, c: 0, d: 4 }];
    skip_deserializing_at_its_default: SkipDeserializing = [SkipDeserializing { a: 1, b: 0, c: 3 }];
    flatten_struct: FlattenStruct = [FlattenStruct { a: 1, inner: Inner { x: 2 } }];
    flatten_map: FlattenMap = [FlattenMap { a: 1, rest: BTreeMap::from([("k".into(), 2)]) }];
    transparent: Transparent = [Transparent { inner: "a".into() }];
    from_into: FromInto = [FromInto(1)];
}
