//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use distributed_scope::PeerId;

/// One function that runs on several peers, shown with real processes.
///
/// Without a command: starts a server peer here and a client peer in a second process, lets one
/// function hop from the client to the server, back to the client and to the server again, and
/// prints its result and every hop.
#[derive(Debug, Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,

    /// Where the server listens; port 0 is any free port.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:0")]
    pub(crate) addr: SocketAddr,

    /// Set for a helper of another process, which holds the other end of its standard input: the
    /// helper ends with that process, however that one ends.
    #[arg(long, hide = true, global = true)]
    pub(crate) helper: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve the demos' blocks until Ctrl-C; `demo client` in another terminal connects to it.
    Server {
        /// Where to listen; port 0 is any free port.
        #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:47291")]
        addr: SocketAddr,
    },

    /// Connect to a running `demo server`, run the hopping function and print its result and every
    /// hop.
    Client {
        /// Where the server is, as it says at its start, for example ws://127.0.0.1:47291/scope
        url: String,
    },

    /// Serve two pages: one searches the documentation of the crates that this workspace depends
    /// on, as you type; the other is a list that browsers share, in which each hop between
    /// them is drawn as it happens.
    ///
    /// There is no API behind them: one function begins in a page, continues in this process,
    /// where the index and the list are, and ends in a page. If the bundle that the pages load is
    /// missing, it is built first.
    Search {
        /// Where to listen; port 0 is any free port.
        #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8080")]
        addr: SocketAddr,

        /// Where the shared list is kept; without it, the list lasts as long as this process.
        #[arg(long, value_name = "FILE")]
        list: Option<PathBuf>,

        /// The folder of the bundle that the pages load, where it is not the one of this build.
        #[arg(long, value_name = "FOLDER", hide = true)]
        bundle: Option<PathBuf>,
    },

    /// Count the words of text files on several worker processes.
    ///
    /// The text is cut into pieces of about 128 KiB. Each worker is a peer in a process of its own
    /// and has several pieces in flight. If a worker is lost, the others take over its pieces.
    /// Then the same text is counted again without any peer, and the two counts must be equal.
    Wordcount(WordcountOptions),

    /// A worker of `demo wordcount`, in its own process.
    #[command(hide = true)]
    Worker {
        url: String,
        #[arg(long)]
        id: PeerId,
    },

    /// Show how peers are authenticated: a server over TLS whose clients present tokens, with
    /// certificates and keys that are generated at start.
    ///
    /// One call is allowed. One call is refused because its caller lacks a claim. Two impostors
    /// are rejected: a client with a forged token, and a server whose certificate no trusted
    /// authority has signed.
    Secure,

    /// List the blocks of this program: the source location, the captures and the version of each.
    Blocks,

    /// Measure calls between two processes: how long one takes, and how many fit into a second.
    Latency {
        /// A running `demo server`; without it, one is started in a process of its own.
        url: Option<String>,

        /// How many calls each row measures; a tenth as many go before them as warm-up.
        #[arg(long, value_name = "N", default_value_t = 20_000, value_parser = clap::value_parser!(u64).range(1..))]
        calls: u64,

        /// Also write a page with plots to this file.
        #[arg(long, value_name = "FILE")]
        html: Option<PathBuf>,
    },
}

#[derive(Args, Debug)]
pub(crate) struct WordcountOptions {
    /// How many worker processes to start.
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(crate) peers: u16,

    /// How many words to list.
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub(crate) top: usize,

    /// Kill the first worker once this many pieces are counted, to show that no piece is lost.
    #[arg(long, value_name = "PIECES")]
    pub(crate) kill_after: Option<u64>,

    /// Files, of any kind, and folders, of which every .md, .rs and .txt file is counted. Without
    /// any: the sources and documentation of the crates that this workspace depends on.
    #[arg(value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn no_command_means_the_main_job_on_any_free_port() {
        let cli = Cli::try_parse_from(["demo"]).unwrap();
        assert!(cli.command.is_none());
        assert_eq!(cli.addr.port(), 0);
    }

    #[test]
    fn zero_peers_and_zero_calls_are_refused() {
        assert!(Cli::try_parse_from(["demo", "wordcount", "--peers", "0"]).is_err());
        assert!(Cli::try_parse_from(["demo", "latency", "--calls", "0"]).is_err());
    }
}
