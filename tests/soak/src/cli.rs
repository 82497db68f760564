//! The command line.

use clap::{Parser, ValueEnum};

use crate::parts::attacks::Script;

/// Measures what the library promises, under load and with faults, between real processes.
///
/// Prints a table of promises and figures. The exit code is 1 when one of them is broken.
#[derive(Clone, Debug, Parser)]
#[command(name = "cargo xtask soak", version)]
pub(crate) struct Options {
    /// What to do; without any, everything in this order.
    #[arg(value_enum)]
    pub(crate) parts: Vec<Part>,

    /// How long `steady` runs.
    #[arg(long, value_name = "MINUTES", default_value_t = 30.0, value_parser = positive)]
    pub(crate) minutes: f64,

    /// How many calls `steady` makes each second.
    #[arg(long, value_name = "CALLS", default_value_t = 2_000, value_parser = clap::value_parser!(u64).range(1..=100_000))]
    pub(crate) rate: u64,

    /// How many connections `cuts` cuts; `streams` cuts a tenth of that.
    #[arg(long, value_name = "N", default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) cuts: u64,

    /// How many sessions `idle` opens. Each takes two descriptors of the server process, whose
    /// limit may allow fewer.
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) sessions: u64,

    /// How many clients `reconnect` has come back. Each takes two descriptors of the server
    /// process and one of this one.
    #[arg(long, value_name = "N", default_value_t = 5_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) clients: u64,

    /// Repeats a run of `cuts`: the random choices follow from this number.
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,

    /// What this process is for another one.
    #[arg(long = "as", hide = true, value_enum, requires_ifs = [("idlers", "url"), ("greedy", "url"), ("attackers", "url"), ("busy", "url"), ("hoarders", "url"), ("attacker", "url"), ("short", "url")])]
    pub(crate) role: Option<Role>,

    #[arg(long, hide = true)]
    pub(crate) url: Option<String>,

    /// How many threads a server has, sessions the idlers open, connections the attackers make, or
    /// microseconds the blocks of the busy work.
    #[arg(long, hide = true, default_value_t = 1)]
    pub(crate) count: usize,

    /// The port that a server listens on; 0 for a free one.
    #[arg(long, hide = true, default_value_t = 0)]
    pub(crate) port: u16,

    /// Which attack `attacks` makes; without it, all of them.
    #[arg(long, value_enum)]
    pub(crate) script: Option<Script>,

    /// Whether the attackers send their message in parts.
    #[arg(long, hide = true)]
    pub(crate) in_parts: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    /// A server that receives SIGTERM with 1,000 calls open
    Terminate,
    /// Frames and messages of 1 GiB from bare sockets
    Oversize,
    /// 5,000 connections that never introduce themselves
    Loiterers,
    /// A peer that asks for 1 GiB and reads nothing
    Stalled,
    /// Small calls during a transfer of 1 GiB on the same connection
    Bulk,
    /// Sessions on which nothing happens
    Idle,
    /// Connections that are cut at random
    Cuts,
    /// Calls of mixed sizes at a steady rate
    Steady,
    /// A call with many waiting calls and idle sessions
    Growth,
    /// 256 sessions of one address that have as much held for them as they can
    Hoard,
    /// Each attack of `tests/hostile` that lasts, with an honest client and new clients
    Attacks,
    /// Two clients and one worker, or two
    Workers,
    /// Clients whose server is killed and started again, and clients that a server refuses
    Reconnect,
    /// 60,000 calls at once, and then an idle session
    Burst,
    /// 1,000,000 calls that fail in every way
    Failures,
    /// 400 short programs from one address in 2 s
    Programs,
    /// Channels: a million items, unread ones, cuts, short streams, a watch
    Streams,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Role {
    Server,
    Idlers,
    Greedy,
    Attackers,
    Hoarders,
    Busy,
    Target,
    Attacker,
    Short,
}

impl Options {
    pub(crate) fn parts(&self) -> Vec<Part> {
        if self.parts.is_empty() { Part::value_variants().to_vec() } else { self.parts.clone() }
    }
}

fn positive(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(number) if number > 0.0 && f64::is_finite(number) => Ok(number),
        _ => Err("write a number of minutes above 0, for example 30 or 0.5".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Options::command().debug_assert();
    }

    #[test]
    fn without_parts_everything_is_done() {
        assert_eq!(Options::try_parse_from(["soak"]).unwrap().parts(), Part::value_variants());
        assert_eq!(Options::try_parse_from(["soak", "cuts"]).unwrap().parts(), [Part::Cuts]);
    }

    #[test]
    fn no_time_and_no_calls_are_refused() {
        for wrong in [["--minutes", "0"], ["--minutes", "inf"], ["--rate", "0"], ["--cuts", "0"]] {
            assert!(Options::try_parse_from(["soak"].iter().chain(&wrong)).is_err(), "{wrong:?}");
        }
    }
}
