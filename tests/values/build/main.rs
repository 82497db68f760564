//! Writes `generated.rs`: random structs and enums with random serde attributes, and one
//! distributed function for each.
//!
//! The same seed gives the same types, on every machine. Types that are ambiguous in serde itself,
//! or that serde does not compile, are not generated; a comment at that place says why.

#![allow(clippy::print_stdout, reason = "it is how a build script talks to cargo")]

mod attributes;
mod container;
mod enums;
mod field;
mod print;
mod rng;
mod structs;
mod types;

use std::path::Path;
use std::{env, fs};

use container::Container;
use rng::Rng;

/// Another seed makes other types; `DISTRIBUTED_SCOPE_TYPES` is one.
const SEED: u64 = 14;

/// How many types there are. Each of them takes nearly half a second to compile.
const TYPES: usize = 200;

/// How deep generated types contain each other.
const LEVELS: usize = 3;

fn main() {
    println!("cargo::rerun-if-changed=build");
    println!("cargo::rerun-if-env-changed=DISTRIBUTED_SCOPE_TYPES");
    let seed =
        env::var("DISTRIBUTED_SCOPE_TYPES").map_or(SEED, |seed| seed.parse().expect("a seed is a number"));
    let mut rng = Rng::new(seed);
    let mut made: Vec<Container> = Vec::new();
    for level in 0..LEVELS {
        // A type contains only types of the levels below its own.
        let below = made.len();
        let end = TYPES * (level + 1) / LEVELS;
        for number in made.len()..end {
            let container = Container::random(&mut rng, number, &made[..below]);
            made.push(container);
        }
    }
    let out = env::var_os("OUT_DIR").expect("cargo sets OUT_DIR for build scripts");
    fs::write(Path::new(&out).join("generated.rs"), print::file(&made)).expect("OUT_DIR can be written to");
}
