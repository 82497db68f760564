//! What keeps the source tree in order: sizes of files and functions, no rings of files, and what
//! each published crate declares. Today's exceptions are listed with their reasons.

#![allow(clippy::unwrap_used, reason = "in a test, to panic is to fail")]

mod rings;
mod sizes;

use std::fs;
use std::path::{Path, PathBuf};

use self::rings::{Crate, rings};

/// The crates whose files form no ring, by their first files.
const CRATES: &[&str] = &[
    "core/src/lib.rs",
    "macros/src/lib.rs",
    "actor-peer/src/lib.rs",
    "auth-jwt/src/lib.rs",
    "browser-peer/src/lib.rs",
    "test-support/src/lib.rs",
    "testing/src/lib.rs",
    "xtask/src/main.rs",
];

/// The rings of today: the files or folders that a ring consists of, and why it is one.
const RINGS: &[(&[&str], &str)] = &[
    (
        &[
            "core/src/auth/",
            "core/src/block/",
            "core/src/call/",
            "core/src/channel/",
            "core/src/error/",
            "core/src/expansion/",
            "core/src/peer/control/sessions.rs",
            "core/src/registry/",
            "core/src/wire/codec/",
            "core/src/wire/frame/",
        ],
        "the vocabulary: a block refuses with an error, an error names a block, both are sent in frames, and values \
         have ends of channels",
    ),
    (&["core/src/wire/codec/"], "serde: a deserializer and a visitor call each other, and so do their parts"),
    (&["core/src/session/"], "parts of one state machine, which have its types: calls, frames, violations"),
    (
        &[
            "core/src/peer/control/",
            "core/src/peer/execute/",
            "core/src/peer/link/",
            "core/src/peer/platform.rs",
            "core/src/peer/shared/",
        ],
        "a link performs its effects itself; to be cut: it returns them, and `dispatch.rs` performs them",
    ),
    (&["core/src/peer/connection/"], "a connection and the frame that it sends next"),
    (&["core/src/peer/dial/"], "an endpoint, its credential, and the error that names the endpoint"),
    (&["macros/src/expand/", "macros/src/parse/", "macros/src/validate/"], "blocks contain blocks"),
    (
        &[
            "actor-peer/src/actor.rs",
            "actor-peer/src/builder.rs",
            "actor-peer/src/connection/",
            "actor-peer/src/peer.rs",
            "actor-peer/src/platform.rs",
        ],
        "the actor dials and makes peers; to be cut with the trait of the control plane",
    ),
    (&["actor-peer/src/gate/"], "an origin and the error that shows it"),
    (&["actor-peer/src/tls/"], "PEM files, and certificates that are read again"),
    (&["browser-peer/src/builder.rs", "browser-peer/src/peer.rs"], "a peer and its builder make each other"),
    (&["browser-peer/src/control.rs", "browser-peer/src/platform.rs"], "a platform and its control plane"),
    (&["testing/src/control.rs", "testing/src/platform.rs"], "a platform and its control plane"),
    (
        &["browser-peer/src/ending.rs", "browser-peer/src/socket.rs"],
        "a panic closes sockets, which are listed",
    ),
    (&["xtask/src/autobahn"], "a suite and the processes that it starts"),
    (&["xtask/src/compile_cost/"], "a measurement and its figures"),
];

/// References that are left out of the rings, from one file to another, and why.
const LEFT_OUT: &[([&str; 2], &str)] = &[(
    ["core/src/channel/pipe.rs", "core/src/session/channels/mod.rs"],
    "the first channel of a program installs the part of a session that carries channels, so that a page without \
     channels does not contain that part",
)];

/// The crates that are published.
const PUBLISHED: &[&str] = &[".", "core", "macros", "actor-peer", "auth-jwt", "browser-peer", "testing"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The path as it is written in lists, from the root of the workspace.
fn shown(file: &Path) -> String {
    file.strip_prefix(root()).unwrap().to_string_lossy().replace('\\', "/")
}

/// All Rust files of the workspace, except generated ones and fixtures of compile errors.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && !["target", "ui"].contains(&&*name) && !name.starts_with('.') {
            sources(&path, found);
        } else if name.ends_with(".rs") {
            found.push(path);
        }
    }
}

/// No files of a crate depend on each other in a ring, except those that are listed.
#[test]
fn rings_of_files_are_listed() {
    let found = CRATES.iter().flat_map(|file| {
        let mut edges = Crate::load(&root().join(file)).edges();
        for ([from, to], _) in LEFT_OUT {
            if let Some(others) = edges.get_mut(&root().join(from)) {
                assert!(others.remove(&root().join(to)), "{from} does not refer to {to}");
            }
        }
        rings(&edges)
    });
    let found: Vec<Vec<_>> = found.map(|ring| ring.iter().map(|file| shown(file)).collect()).collect();
    let is_within = |ring: &[String], listed: &[&str]| {
        ring.iter().all(|file| listed.iter().any(|place| file.starts_with(place)))
    };
    for ring in &found {
        assert!(
            RINGS.iter().any(|(listed, _)| is_within(ring, listed)),
            "these files depend on each other in a ring: {ring:#?}"
        );
    }
    for (listed, _) in RINGS {
        assert!(found.iter().any(|ring| is_within(ring, listed)), "no ring is left in {listed:?}");
    }
}

/// A ring is found through a re-export, and only where there is one.
#[test]
fn rings_are_found_through_reexports() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("house");
    fs::create_dir_all(&folder).unwrap();
    let write = |name: &str, text: &str| fs::write(folder.join(name), text).unwrap();
    write("lib.rs", "mod a;\nmod b;\nmod c;\npub use b::B;\n#[cfg(test)]\nmod tests;\n");
    write("a.rs", "use crate::B;\npub struct A(B);\n");
    write("b.rs", "pub struct B(super::c::C);\n");
    write("c.rs", "pub use std::sync::Arc;\npub struct C;\nfn f(_: crate::a::A) {}\n");
    let names = |ring: &std::collections::BTreeSet<PathBuf>| -> Vec<_> {
        ring.iter().map(|file| file.file_name().unwrap().to_string_lossy().into_owned()).collect()
    };
    let found = rings(&Crate::load(&folder.join("lib.rs")).edges());
    assert_eq!(found.iter().map(names).collect::<Vec<_>>(), [["a.rs", "b.rs", "c.rs"]]);
    write("c.rs", "pub struct C;\n");
    assert!(rings(&Crate::load(&folder.join("lib.rs")).edges()).is_empty());
}

/// docs.rs builds each published crate with all features.
#[test]
fn published_crates_are_documented_with_all_features() {
    for folder in PUBLISHED {
        let manifest = fs::read_to_string(root().join(folder).join("Cargo.toml")).unwrap();
        assert!(
            manifest.contains("[package.metadata.docs.rs]\nall-features = true\n"),
            "{folder}/Cargo.toml does not say how docs.rs builds it"
        );
    }
}
