//! Which changes of a type are seen, and which types cannot be.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::SocketAddr;
use std::num::NonZeroU16;
use std::time::{Duration, Instant};

use serde::{Deserialize, Deserializer, Serialize};

use crate::identity::peer_id::PeerId;

/// What was seen of a type.
#[derive(Debug, PartialEq)]
struct Seen {
    hash: u64,
    opaque: Option<&'static str>,
}

fn of<T: Serialize + Deserialize<'static>>() -> Seen {
    let super::Shape { hash, opaque, .. } = super::of(&super::Subject::of::<T>());
    Seen { hash, opaque }
}

/// Types of one name in two versions, and whether their shapes are the same.
macro_rules! versions {
    ($name:ident: { $($old:item)* } { $($new:item)* }) => {{
        mod old {
            versions!(one $name $($old)*);
        }
        mod new {
            versions!(one $name $($new)*);
        }
        let (old, new) = (old::shape(), new::shape());
        assert_eq!((old.opaque, new.opaque), (None, None));
        old == new
    }};
    (one $name:ident $($item:item)*) => {
        #[allow(unused_imports)]
        use super::*;
        $(#[derive(Serialize, Deserialize)] #[allow(dead_code)] $item)*
        pub(super) fn shape() -> Seen {
            of::<$name>()
        }
    };
}

#[test]
fn the_same_types_in_another_module_have_the_same_shape() {
    assert!(versions!(A: { struct A { b: Vec<B> } enum B { C, D(u8), E { f: Option<String> } } }
                         { struct A { b: Vec<B> } enum B { C, D(u8), E { f: Option<String> } } }));
}

#[test]
fn a_field_two_levels_down_is_seen() {
    assert!(!versions!(A: { struct A { b: Option<B> } struct B { c: Vec<C> } struct C { d: u8 } }
                          { struct A { b: Option<B> } struct B { c: Vec<C> } struct C { d: u8, e: bool } }));
    assert!(!versions!(A: { struct A { b: HashMap<u8, B> } struct B(C); struct C { d: u8 } }
                          { struct A { b: HashMap<u8, B> } struct B(C); struct C { d: u16 } }));
}

#[test]
fn variants_and_what_is_in_them_are_seen() {
    assert!(!versions!(A: { enum A { B, C } } { enum A { B, C, D } }));
    assert!(!versions!(A: { enum A { B, C } } { enum A { C, B } }));
    assert!(!versions!(A: { enum A { B, C(u8) } } { enum A { B, C(u16) } }));
    assert!(!versions!(A: { enum A { B, C(D) } enum D { E, F(G) } struct G { h: u8 } }
                          { enum A { B, C(D) } enum D { E, F(G) } struct G { h: i8 } }));
    assert!(!versions!(A: { struct A(B, B); enum B { C, D { e: u8 } } }
                          { struct A(B, B); enum B { C, D { f: u8 } } }));
}

#[test]
fn names_and_kinds_are_seen() {
    assert!(!versions!(A: { struct A { b: u8 } } { struct A { c: u8 } }));
    assert!(!versions!(A: { struct A { b: String } } { struct A { b: Option<String> } }));
    assert!(!versions!(A: { struct A { b: (u8, u8) } } { struct A { b: [u8; 3] } }));
    assert!(!versions!(A: { struct A { b: Vec<u8> } } { struct A { b: BTreeMap<u8, u8> } }));
    assert_ne!(of::<(u8, u16)>(), of::<(u16, u8)>());
    assert_ne!(of::<()>(), of::<((),)>());
}

#[test]
fn recursive_types_are_seen_whole() {
    assert!(!versions!(A: { enum A { Not(Box<A>), And(Vec<A>, Box<A>), Is(B) } struct B { c: u8 } }
                          { enum A { Not(Box<A>), And(Vec<A>, Box<A>), Is(B) } struct B { c: u16 } }));
    assert!(!versions!(A: { struct A { next: Option<Box<A>>, b: u8 } }
                          { struct A { next: Option<Box<A>>, b: i8 } }));
    assert!(versions!(A: { struct A { left: Option<Box<A>>, right: Option<Box<A>>, all: Vec<A> } }
                         { struct A { left: Option<Box<A>>, right: Option<Box<A>>, all: Vec<A> } }));
}

#[test]
fn types_that_reject_most_values_are_seen() {
    assert_eq!(of::<(PeerId, NonZeroU16, SocketAddr, Duration, char)>().opaque, None);
    assert_eq!(of::<(HashSet<PeerId>, Option<NonZeroU16>, [u8; 32])>().opaque, None);
}

#[derive(Serialize, Deserialize)]
#[serde(try_from = "u8")]
struct Even(#[allow(dead_code)] u8);

impl TryFrom<u8> for Even {
    type Error = &'static str;

    fn try_from(number: u8) -> Result<Self, Self::Error> {
        if number == 2 { Ok(Self(number)) } else { Err("not two") }
    }
}

/// Deserializes itself from nothing that is known here.
#[derive(Debug, Serialize)]
struct Strange;

impl<'de> Deserialize<'de> for Strange {
    fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        Err(serde::de::Error::custom("never"))
    }
}

#[derive(Serialize, Deserialize)]
enum Alias {
    #[serde(alias = "another")]
    #[allow(dead_code)]
    One,
}

#[test]
fn a_value_that_is_rejected_as_a_whole_is_tried_with_other_parts() {
    assert_eq!(of::<Even>().opaque, None);
    assert_eq!(of::<Alias>().opaque, None);
}

#[test]
fn a_type_that_cannot_be_made_counts_by_its_name() {
    let shape = of::<(u8, Strange)>();
    assert!(shape.opaque.is_some());
    assert_ne!(shape.hash, of::<(u16, Strange)>().hash);
    assert!(!versions_of_what_stands_after_it());
}

fn versions_of_what_stands_after_it() -> bool {
    let (old, new) = (of::<(Option<Strange>, u8)>(), of::<(Option<Strange>, u16)>());
    assert!(old.opaque.is_some());
    old.hash == new.hash
}

#[derive(Debug, Serialize)]
struct Panics;

impl<'de> Deserialize<'de> for Panics {
    fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        panic!("a dummy")
    }
}

#[derive(Serialize, Deserialize)]
struct Endless(#[allow(dead_code)] Box<Endless>);

#[derive(Serialize, Deserialize)]
#[allow(dead_code)]
struct Two<T>(Box<T>, Box<T>);

type Four<T> = Two<Two<T>>;
type Many<T> = Four<Four<Four<T>>>;

#[test]
fn a_trace_ends_in_any_case() {
    assert!(of::<Panics>().opaque.is_some());
    assert!(of::<Endless>().opaque.is_some());
    let started = Instant::now();
    assert!(of::<Many<Many<Many<Many<u8>>>>>().opaque.is_some());
    assert!(started.elapsed() < Duration::from_secs(1));
}
