//! `cargo xtask editors`: what an editor can do inside a block, asked of rust-analyzer.

mod edited;
mod questions;
mod server;

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args_os().skip(1);
    let (root, target) = arguments.next().zip(arguments.next()).expect("ROOT TARGET");
    let (root, target) = (std::path::PathBuf::from(root), std::path::PathBuf::from(target));
    let folder = edited::write(&root, &target)?;
    let mut server = server::LanguageServer::open(&folder, &target.join("editors/target"))?;
    questions::explore(&mut server, &folder)
}
