//! Times, addresses, paths and ranges of std.

#![allow(clippy::unwrap_used, reason = "in a test, to panic is to fail")]

use std::ffi::OsString;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::ops::{Bound, Range, RangeFrom, RangeInclusive, RangeTo};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

#[macro_use]
mod cases;
mod support;

const V6: SocketAddrV6 = SocketAddrV6::new(Ipv6Addr::LOCALHOST, 5, 0, 0);

cases! {
    duration: Duration = Bincode [Duration::ZERO, Duration::MAX, Duration::new(1, 999_999_999)];
    system_time: SystemTime = Bincode [SystemTime::UNIX_EPOCH, SystemTime::UNIX_EPOCH + Duration::new(5, 6)];
    ip_address: IpAddr = Bincode [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
    ip_addresses: (Ipv4Addr, Ipv6Addr) = Bincode [(Ipv4Addr::BROADCAST, Ipv6Addr::UNSPECIFIED)];
    socket_address: SocketAddr = Bincode [([1, 2, 3, 4], 5).into(), V6.into()];
    socket_addresses: (SocketAddrV4, SocketAddrV6) = Bincode [(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 80), V6)];
    socket_address_with_scope: SocketAddrV6 = Bincode [SocketAddrV6::new(Ipv6Addr::LOCALHOST, 5, 6, 7)]
        arrives [SocketAddrV6::new(Ipv6Addr::LOCALHOST, 5, 0, 0)];
    path_buf: PathBuf = Bincode [PathBuf::from("/a/b"), PathBuf::new()];
    os_string: OsString = Cbor [OsString::from("a"), OsString::new()];
    range: Range<u8> = Bincode [1..2, 0..0];
    range_inclusive: RangeInclusive<i8> = Bincode [-1..=1, i8::MIN..=i8::MAX];
    range_from: RangeFrom<u16> = Bincode [7..];
    range_to: RangeTo<u16> = Bincode [..7];
    bound: Bound<u8> = Bincode [Bound::Unbounded, Bound::Included(1), Bound::Excluded(3)];
}
