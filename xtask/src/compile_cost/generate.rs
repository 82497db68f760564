//! The crates that are measured. Each has functions that make one, two or three hops, one block
//! inside the other. Every block does a little work on a `String` and a `Vec`, and returns both a
//! text and a number.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// In which way a crate does its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Plain,
    Blocks,
    Tarpc,
}

impl Kind {
    pub(crate) const ALL: [Self; 3] = [Self::Plain, Self::Blocks, Self::Tarpc];

    pub(crate) fn crate_name(self, size: usize) -> String {
        let kind = match self {
            Self::Plain => "plain",
            Self::Blocks => "blocks",
            Self::Tarpc => "tarpc",
        };
        format!("{kind}-{size}")
    }

    pub(crate) fn description(self) -> &'static str {
        match self {
            Self::Plain => "plain async functions",
            Self::Blocks => "`#[distributed]`",
            Self::Tarpc => "tarpc, one service",
        }
    }

    /// The crates that its source names.
    pub(crate) fn externs(self) -> &'static [&'static str] {
        match self {
            Self::Plain => &["tokio"],
            Self::Blocks => &["distributed_scope", "actix_web"],
            Self::Tarpc => &["tarpc", "tokio", "futures"],
        }
    }

    fn dependencies(self, root: &Path) -> String {
        let root = root.display();
        match self {
            Self::Plain => TOKIO.to_owned(),
            Self::Blocks => format!(
                "distributed-scope = {{ path = {:?} }}\n\
                 actix-web = {{ version = \"4\", default-features = false, features = [\"macros\", \"ws\"] }}\n",
                root.to_string()
            ),
            Self::Tarpc => format!(
                "{TOKIO}futures = \"0.3\"\n\
                 tarpc = {{ version = \"0.38\", features = [\"serde1\", \"serde-transport-bincode\", \"tcp\", \"tokio1\"] }}\n"
            ),
        }
    }
}

const TOKIO: &str = "tokio = { version = \"1\", features = [\"rt\", \"macros\", \"net\", \"time\"] }\n";

/// All files, by their paths in the workspace of the crates.
pub(crate) fn workspace(root: &Path, sizes: &[usize]) -> Vec<(PathBuf, String)> {
    let manifest = "[workspace]\nmembers = [\"*-*\"]\nexclude = [\"target\"]\nresolver = \"3\"\n\n\
                    [profile.release]\nstrip = true\n";
    let mut files = vec![("Cargo.toml".into(), manifest.to_owned())];
    for kind in Kind::ALL {
        for &size in sizes {
            let name = kind.crate_name(size);
            let manifest = format!(
                "[package]\nname = \"{name}\"\nedition = \"2024\"\npublish = false\n\n[dependencies]\n{}",
                kind.dependencies(root)
            );
            files.push((format!("{name}/Cargo.toml").into(), manifest));
            files.push((format!("{name}/src/main.rs").into(), source(kind, size)));
        }
    }
    files
}

/// The blocks of each function: 1, 2 or 3 in turn, until there are as many as wanted.
fn functions(size: usize) -> Vec<Vec<usize>> {
    let mut functions = Vec::new();
    let mut next = 0;
    for depth in (1..=3).cycle() {
        if next == size {
            break;
        }
        let end = size.min(next + depth);
        functions.push((next..end).collect());
        next = end;
    }
    functions
}

fn source(kind: Kind, size: usize) -> String {
    let functions = functions(size);
    let (before, after) = match kind {
        Kind::Plain => (PLAIN_START.to_owned(), PLAIN_END),
        Kind::Blocks => (BLOCKS_START.to_owned(), BLOCKS_END),
        Kind::Tarpc => (tarpc_service(&functions), TARPC_END),
    };
    // rustc's time is what is measured, not the time to print warnings.
    let mut text = format!("#![allow(unused)]\n{before}");
    for (number, blocks) in functions.iter().enumerate() {
        text += &match kind {
            Kind::Plain => plain(number, blocks),
            Kind::Blocks => format!(
                "#[distributed]\nasync fn f{number}(near: PeerId, far: PeerId, word: String, numbers: Vec<u64>) -> Result<(String, \
                 u64), RemoteError> {{\n{}.await\n}}\n\n",
                nested(blocks)
            ),
            Kind::Tarpc => format!(
                "async fn f{number}(far: &StepsClient, word: String, numbers: Vec<u64>) -> Result<(String, u64), Error> \
                 {{\n    Ok(far.step{}(context::current(), word, numbers).await??)\n}}\n\n",
                blocks[0]
            ),
        };
    }
    let peers = match kind {
        Kind::Plain => "",
        Kind::Blocks => "near, far, ",
        Kind::Tarpc => "&far, ",
    };
    let arms = (0..functions.len()).fold(String::new(), |mut arms, number| {
        let _ = writeln!(arms, "        {number} => f{number}({peers}word, numbers).await?,");
        arms
    });
    text + &after.replace("@ARMS@", &arms)
}

/// What every block does.
fn work(block: usize) -> String {
    format!(
        "let sum: u64 = numbers.iter().map(|n| n.wrapping_mul({block})).sum();\n\
         let word = format!(\"{{word}} {{sum}} {block}\");\n"
    )
}

fn nested(blocks: &[usize]) -> String {
    let Some((block, inner)) = blocks.split_first() else { return String::new() };
    let (list, next) = if inner.is_empty() {
        ("word, numbers", String::new())
    } else {
        ("near, far, word, numbers", format!("let (word, sum) = {}.await?;\n", nested(inner)))
    };
    let peer = if block % 2 == 0 { "far" } else { "near" };
    format!("remote!({peer}, [{list}], {{\n{}{next}(word, sum)\n}})", work(*block))
}

fn plain(number: usize, blocks: &[usize]) -> String {
    let mut text = String::new();
    for (index, block) in blocks.iter().enumerate() {
        let next = blocks.get(index + 1).map_or_else(String::new, |next| {
            format!("let (word, sum) = Box::pin(step{next}(word, numbers)).await?;\n")
        });
        let _ = write!(
            text,
            "async fn step{block}(word: String, numbers: Vec<u64>) -> Result<(String, u64), Error> {{\n{}{next}Ok((word, \
             sum))\n}}\n\n",
            work(*block)
        );
    }
    let _ = write!(
        text,
        "async fn f{number}(word: String, numbers: Vec<u64>) -> Result<(String, u64), Error> {{\n    step{}(word, \
         numbers).await\n}}\n\n",
        blocks[0]
    );
    text
}

fn tarpc_service(functions: &[Vec<usize>]) -> String {
    let (mut declared, mut defined) = (String::new(), String::new());
    for (index, block) in functions.iter().flat_map(|f| f.iter().enumerate().map(move |(i, b)| ((f, i), b))) {
        let (blocks, place) = index;
        let next = blocks.get(place + 1).map_or_else(String::new, |next| {
            format!(
                "let (word, sum) = self.client()?.step{next}(ctx, word, numbers).await.map_err(|e| e.to_string())??;\n"
            )
        });
        let _ = writeln!(
            declared,
            "    async fn step{block}(word: String, numbers: Vec<u64>) -> Result<(String, u64), String>;"
        );
        let ctx = if next.is_empty() { "_ctx" } else { "ctx" };
        let _ = write!(
            defined,
            "async fn step{block}(self, {ctx}: context::Context, word: String, numbers: Vec<u64>) -> Result<(String, u64), \
             String> {{\n{}{next}Ok((word, sum))\n}}\n",
            work(*block)
        );
    }
    TARPC_START.replace("@DECLARED@", &declared).replace("@DEFINED@", &defined)
}

const PLAIN_START: &str = "type Error = Box<dyn std::error::Error + Send + Sync>;\n\n";

const PLAIN_END: &str = r#"
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let number: usize = std::env::args().nth(1).unwrap_or_default().parse()?;
    let (word, numbers) = ("word".to_owned(), vec![1, 2, 3]);
    let result = match number {
@ARMS@        _ => (word, numbers[0]),
    };
    println!("{result:?}");
    Ok(())
}
"#;

const BLOCKS_START: &str = r"use actix_web::{App, HttpServer};
use distributed_scope::{Blocks, Peer, PeerId, on_connect};
#[allow(unused_imports)]
use distributed_scope::{RemoteError, distributed, remote};

";

const BLOCKS_END: &str = r#"
#[actix_web::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let number: usize = std::env::args().nth(1).unwrap_or_default().parse()?;
    let server = Peer::builder(PeerId::named("far")).expose(Blocks::all()).start();
    let service = server.clone();
    let http = HttpServer::new(move || App::new().service(service.service("/scope")))
        .on_connect(on_connect)
        .workers(1)
        .bind(("127.0.0.1", 0))?;
    let address = http.addrs()[0];
    actix_web::rt::spawn(http.run());
    let client = Peer::builder(PeerId::named("near")).expose(Blocks::all()).start();
    client.connect(format!("ws://{address}/scope")).await?;
    #[allow(unused_variables)]
    let (near, far) = (client.id(), server.id());
    let (word, numbers) = ("word".to_owned(), vec![1, 2, 3]);
    let result = client.run(async move { Ok::<_, Box<dyn std::error::Error>>(match number {
@ARMS@        _ => (word, numbers[0]),
    }) }).await?;
    println!("{result:?}");
    Ok(())
}
"#;

const TARPC_START: &str = r#"use futures::{StreamExt, future};
use tarpc::server::{BaseChannel, Channel};
use tarpc::tokio_serde::formats::Bincode;
use tarpc::{client, context, serde_transport::tcp};

type Error = Box<dyn std::error::Error + Send + Sync>;

#[tarpc::service]
trait Steps {
    async fn ready() -> bool;
@DECLARED@}

#[derive(Clone)]
struct Server(std::sync::Arc<std::sync::OnceLock<StepsClient>>);

#[allow(dead_code)]
impl Server {
    fn client(&self) -> Result<&StepsClient, String> {
        self.0.get().ok_or_else(|| String::from("not connected"))
    }
}

impl Steps for Server {
async fn ready(self, _ctx: context::Context) -> bool {
    true
}
@DEFINED@}

"#;

const TARPC_END: &str = r#"
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let number: usize = std::env::args().nth(1).unwrap_or_default().parse()?;
    let server = Server(Default::default());
    let listener = tcp::listen("127.0.0.1:0", Bincode::default).await?;
    let address = listener.local_addr();
    let serving = server.clone();
    tokio::spawn(listener.filter_map(|r| future::ready(r.ok())).map(BaseChannel::with_defaults).for_each(
        move |channel| {
            let requests = channel.execute(serving.clone().serve());
            tokio::spawn(requests.for_each(|request| async { drop(tokio::spawn(request)) }));
            future::ready(())
        },
    ));
    let far = StepsClient::new(client::Config::default(), tcp::connect(address, Bincode::default).await?).spawn();
    server.0.set(far.clone()).map_err(|_| "twice")?;
    far.ready(context::current()).await?;
    let (word, numbers) = ("word".to_owned(), vec![1, 2, 3]);
    let result = match number {
@ARMS@        _ => (word, numbers[0]),
    };
    println!("{result:?}");
    Ok(())
}
"#;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_depths_take_turns_until_there_are_enough_blocks() {
        let depths = |size| functions(size).iter().map(Vec::len).collect::<Vec<_>>();
        assert_eq!(depths(0), [0; 0]);
        assert_eq!(depths(10), [1, 2, 3, 1, 2, 1]);
        assert_eq!(depths(100).iter().sum::<usize>(), 100);
    }

    #[test]
    fn a_crate_has_as_many_blocks_as_it_says() {
        for (kind, sign) in [(Kind::Blocks, "remote!("), (Kind::Plain, "async fn step")] {
            assert_eq!(source(kind, 100).matches(sign).count(), 100);
        }
        assert_eq!(source(Kind::Tarpc, 100).matches("async fn step").count(), 200);
    }
}
