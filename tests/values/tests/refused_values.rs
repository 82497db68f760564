//! Values that cannot be sent, of types that can; and types that cannot be sent by an evolving
//! block.

#![allow(clippy::unwrap_used, reason = "in a test, to panic is to fail")]
#![allow(dead_code, reason = "no value arrives that would be read")]

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::time::{Duration, SystemTime};

use distributed_scope::{Codec, ErrorKind, PeerId, Ran, Refusal, RemoteError, distributed, remote};
use serde::{Deserialize, Serialize};

mod support;

/// How many blocks ran that should not.
static RAN: AtomicU32 = AtomicU32::new(0);

const RARE: u32 = 5757;

fn is_rare(number: &u32) -> bool {
    *number == RARE
}

/// Leaves a field out that has no name, but for no value that is made up.
#[derive(Debug, Serialize, Deserialize)]
struct RarelyShort(u32, #[serde(skip_serializing_if = "is_rare")] u32, u32);

/// The same in a struct that needs CBOR; and what follows has a default, so that it could be read.
#[derive(Debug, Serialize, Deserialize)]
struct NamedShort {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    absent: Option<u8>,
    short: ShortWithDefaults,
}

#[derive(Debug, Serialize, Deserialize)]
struct ShortWithDefaults(u32, #[serde(default, skip_serializing_if = "is_rare")] u32, #[serde(default)] u32);

/// bincode carries it, and CBOR, which a value without the field needs, does not.
#[derive(Debug, Serialize, Deserialize)]
struct TwoNames {
    #[serde(rename(serialize = "out", deserialize = "in"))]
    name: u32,
    #[serde(default, skip_serializing_if = "is_rare")]
    rare: u32,
}

/// A variant that is never written and never read.
#[derive(Debug, Serialize, Deserialize)]
enum Skipped {
    First,
    #[serde(skip)]
    Local,
}

macro_rules! sends { ($($name:ident: $t:ty;)*) => { $(
    #[distributed]
    async fn $name(to: PeerId, value: $t) -> Result<(), RemoteError> {
        let (before, after) = (1_u8, 2_u8);
        remote!(to, [before, value, after], {
            RAN.fetch_add(1, SeqCst);
            let _arrived = (before, value, after);
        })
        .await
    }
)* } }

sends! {
    rarely_short: RarelyShort;
    two_names: TwoNames;
    named_short: NamedShort;
    skipped: Skipped;
    path: PathBuf;
    os_string: OsString;
    before_1970: SystemTime;
}

#[distributed]
async fn skipped_result(to: PeerId) -> Result<Skipped, RemoteError> {
    remote!(to, [], { Skipped::Local }).await
}

fn assert_not_encoded(result: Result<(), RemoteError>, told: &str) {
    let error = result.unwrap_err();
    let text = format!("{error:#}");
    assert_eq!((error.ran(), error.kind()), (Ran::Never, &ErrorKind::EncodeCaptures), "{text}");
    assert!(text.contains(told), "{text}");
}

/// What is seen only in a value is refused when that value is sent.
#[actix_web::test]
async fn value_is_refused_before_its_block_runs() {
    use std::os::unix::ffi::OsStringExt;
    let (server, client) = support::two_peers().await;
    let to = server.id();
    assert_not_encoded(client.run(rarely_short(to, RarelyShort(1, RARE, 3))).await, "`RarelyShort`");
    assert_not_encoded(
        client.run(two_names(to, TwoNames { name: 1, rare: RARE })).await,
        "field `rare` is left out",
    );
    assert_not_encoded(client.run(skipped(to, Skipped::Local)).await, "Skipped");
    let no_utf8 = OsString::from_vec(vec![0xff]);
    assert_not_encoded(client.run(path(to, no_utf8.into())).await, "UTF-8");
    let early = SystemTime::UNIX_EPOCH - Duration::from_secs(1);
    assert_not_encoded(client.run(before_1970(to, early)).await, "SystemTime");
    assert_eq!(RAN.load(SeqCst), 0);
    let late = client.run(skipped_result(to)).await.unwrap_err();
    assert_eq!(late.ran(), Ran::Yes, "a result is written after its block has run: {late:#}");
    assert!(format!("{late:#}").contains("Skipped"), "{late:#}");

    client.run(rarely_short(to, RarelyShort(1, 2, 3))).await.unwrap();
    client.run(two_names(to, TwoNames { name: 1, rare: 2 })).await.unwrap();
    client.run(skipped(to, Skipped::First)).await.unwrap();
    assert_eq!(RAN.load(SeqCst), 3, "other values of these types travel");
}

#[distributed]
async fn short_result(to: PeerId) -> Result<NamedShort, RemoteError> {
    remote!(to, [], { NamedShort { absent: None, short: ShortWithDefaults(1, RARE, 3) } }).await
}

/// In CBOR, too, no field of a tuple struct takes the place of one that is left out.
#[actix_web::test]
async fn short_tuple_is_not_read_by_cbor() {
    let (server, client) = support::two_peers().await;
    let value = NamedShort { absent: None, short: ShortWithDefaults(1, RARE, 3) };
    let captured = client.run(named_short(server.id(), value)).await.unwrap_err();
    assert_eq!(captured.ran(), Ran::Never, "{captured:#}");
    let returned = client.run(short_result(server.id())).await.unwrap_err();
    for text in [format!("{captured:#}"), format!("{returned:#}")] {
        assert!(text.contains("`short`: 2 unnamed fields or elements where there are 3"), "{text}");
    }
}

/// An `OsString` need not be Unicode.
#[actix_web::test]
async fn os_string_without_unicode_arrives() {
    use std::os::unix::ffi::OsStringExt;
    #[distributed]
    async fn echo(to: PeerId, text: OsString) -> Result<OsString, RemoteError> {
        remote!(to, [text], { text }).await
    }
    let (server, client) = support::two_peers().await;
    let text = OsString::from_vec(vec![b'a', 0xff]);
    assert_eq!(client.run(echo(server.id(), text.clone())).await.unwrap(), text);
}

#[derive(Debug, Serialize, Deserialize)]
struct Grows {
    #[serde(rename(serialize = "out", deserialize = "in"))]
    name: u32,
}

#[distributed]
async fn plain(to: PeerId, value: Grows) -> Result<u32, RemoteError> {
    remote!(to, [value], { value.name }).await
}

#[distributed]
async fn evolving(to: PeerId, value: Grows) -> Result<u32, RemoteError> {
    remote!(
        to,
        [value],
        #[block(name = "evolving", evolving)]
        {
            RAN.fetch_add(1000, SeqCst);
            value.name
        }
    )
    .await
}

/// The same type travels by bincode where names do not count, and is refused where they do.
#[actix_web::test]
async fn two_names_are_refused_in_evolving_block() {
    let (server, client) = support::two_peers().await;
    assert_eq!(client.run(plain(server.id(), Grows { name: 7 })).await.unwrap(), 7);
    let error = client.run(evolving(server.id(), Grows { name: 7 })).await.unwrap_err();
    let text = format!("{error:#}");
    assert_eq!(error.ran(), Ran::Never, "{text}");
    assert!(matches!(error.kind(), ErrorKind::Refused(Refusal::CannotTravel(_))), "{text}");
    assert!(text.contains("`Grows` cannot travel: ") && text.contains("`in`"), "{text}");
    assert!(RAN.load(SeqCst) < 1000, "its block ran");
    let codecs = |name: &str| {
        let listing = client.blocks();
        let listed = listing.iter().find(|listed| listed.block.path.contains(name));
        listed.map(|listed| listed.block.captures_codec())
    };
    assert_eq!(codecs("::plain#"), Some(Some(Codec::Bincode)));
    assert_eq!(codecs("::evolving#"), Some(None));
}
