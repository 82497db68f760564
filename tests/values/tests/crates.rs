//! Types of widely used crates that are not dates or documents.

#![allow(clippy::unwrap_used, reason = "in a test, to panic is to fail")]

use std::net::IpAddr;
use std::str::FromStr;

use bigdecimal::BigDecimal;
use bytes::{Bytes, BytesMut};
use indexmap::{IndexMap, IndexSet};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use rust_decimal::Decimal;
use semver::{Version, VersionReq};
use serde_bytes::ByteBuf;
use smallvec::{SmallVec, smallvec};
use url::Url;
use uuid::Uuid;

#[macro_use]
mod cases;
mod support;

fn read<T: FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().unwrap()
}

cases! {
    uuid: Uuid = Bincode [Uuid::nil(), Uuid::max(), Uuid::from_u128(1)];
    url: Url = Bincode [read("https://user:pw@example.com:8080/a%20b?q=1#f"), read("mailto:a@example.com")];
    ip_net: IpNet = CborText [read("10.0.0.0/8"), read("2001:db8::/32")];
    ip_nets: (Ipv4Net, Ipv6Net) = Bincode [(read("0.0.0.0/0"), read("::1/128"))];
    index_map: IndexMap<String, u8> = Bincode [IndexMap::from([("b".to_owned(), 1), ("a".to_owned(), 2)]), IndexMap::new()];
    index_set: IndexSet<u32> = Bincode [IndexSet::from([3, 1, 2])];
    small_vec: SmallVec<[u16; 2]> = Bincode [smallvec![], smallvec![1, 2], smallvec![1, 2, 3]];
    bytes: (Bytes, BytesMut) = Bincode [(Bytes::from_static(b"\0\xff"), BytesMut::from(&b"\xfe"[..]))];
    serde_bytes: ByteBuf = Bincode [ByteBuf::new(), ByteBuf::from(vec![0, 0xff])];
    rust_decimal: Decimal = CborText [Decimal::new(12345, 2), Decimal::new(100, 2), Decimal::MAX, Decimal::MIN, Decimal::ZERO];
    big_decimal: BigDecimal = CborText [read("12345678901234567890.012345678901234567890"), read("-1.10"), read("1e-40")];
    semver: Version = Bincode [read("1.2.3"), read("1.0.0-rc.1+build.5")];
    semver_req: VersionReq = Bincode [read(">=1.2.3, <2"), VersionReq::STAR];
    ip_in_map: std::collections::BTreeMap<IpAddr, u8> = Bincode [[(read("127.0.0.1"), 1), (read("::1"), 2)].into()];
}
