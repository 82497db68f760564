//! Runs all contenders in interleaved rounds, with a fresh server for each run.

use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use clap::{Args, ValueEnum};

use crate::contender::Contender;
use crate::contenders;
use crate::outcome::Outcome;
use crate::table;
use crate::workload::{ALL, W5, W6, Workload};

/// Longer than any run takes.
const PATIENCE: Duration = Duration::from_secs(300);

#[derive(Args)]
pub struct Plan {
    #[arg(long, default_value_t = 5)]
    pub rounds: usize,
    /// Contenders, separated by commas; all if none is named
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    #[arg(long, value_delimiter = ',', default_values_t = ALL.map(Name))]
    workloads: Vec<Name>,
    #[arg(long, value_delimiter = ',', default_value = "one-cpu,free")]
    pub places: Vec<Place>,
    /// Connections of W5, waiting calls of W7
    #[arg(long, default_value_t = 1000)]
    conns: usize,
    /// Also keep every run as JSON
    #[arg(long)]
    json: Option<PathBuf>,
}

/// A workload as the command line writes it.
#[derive(Clone, Copy)]
struct Name(Workload);

impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

impl std::str::FromStr for Name {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        Workload::from_str(text, true).map(Self)
    }
}

/// Where the two processes run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Place {
    /// Both on one processor: what the code costs, without waking another processor
    OneCpu,
    /// Wherever the scheduler puts them: what users see, and noisy
    Free,
}

/// One run, and where it belongs.
pub struct Run {
    pub round: usize,
    pub place: Place,
    pub workload: Workload,
    pub contender: &'static str,
    pub outcome: Outcome,
}

pub fn run(plan: &Plan) -> Result<()> {
    let mut contenders = contenders::all();
    for name in &plan.only {
        ensure!(contenders.iter().any(|one| one.name == name), "there is no contender `{name}`");
    }
    contenders.retain(|one| plan.only.is_empty() || plan.only.iter().any(|name| name == one.name));
    let mut runs = Vec::new();
    for round in 0..plan.rounds {
        for &place in &plan.places {
            for &Name(workload) in &plan.workloads {
                // Memory does not depend on the place or on noise.
                if workload == W5 && (round > 0 || place != plan.places[0]) {
                    continue;
                }
                // Its client spins, which on one processor keeps the server from it.
                if workload == W6 && place == Place::OneCpu {
                    continue;
                }
                for contender in contenders.iter().filter(|one| one.workloads.contains(&workload)) {
                    let outcome = one(plan, place, workload, contender)
                        .with_context(|| format!("{} {workload:?}", contender.name))?;
                    eprintln!(
                        "round {} {place:?} {workload:?} {:18} p50 {:9.1} us {:9.0}/s cpu {:7.2} us, others used {:.0} %",
                        round + 1,
                        contender.name,
                        outcome.p50_us,
                        outcome.calls_per_s,
                        outcome.cpu_us_per_call,
                        outcome.others_pct,
                    );
                    runs.push(Run { round, place, workload, contender: contender.name, outcome });
                }
            }
        }
    }
    if let Some(path) = &plan.json {
        let all: Vec<_> = runs
            .iter()
            .map(|run| serde_json::json!({"round": run.round, "place": format!("{:?}", run.place), "outcome": run.outcome}))
            .collect();
        std::fs::write(path, serde_json::to_string_pretty(&all)?)?;
    }
    table::print(&plan.places, &contenders, &runs);
    Ok(())
}

/// Is killed when its owner is dropped.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn one(plan: &Plan, place: Place, workload: Workload, contender: &Contender) -> Result<Outcome> {
    let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port().to_string();
    let command = |what: &str| -> Result<Command> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args([what, contender.name, "--port", &port]).stdin(Stdio::null()).stdout(Stdio::piped());
        if place == Place::OneCpu {
            command.args(["--cpu", "0"]);
        }
        Ok(command)
    };
    let mut server = Process(command("serve")?.spawn()?);
    let mut said = BufReader::new(server.0.stdout.take().context("its output is piped")?);
    let mut line = String::new();
    said.read_line(&mut line)?;
    ensure!(line.starts_with("READY"), "the server did not start");

    let mut drive = command("drive")?;
    drive.args(["--workload", &format!("{workload:?}"), "--conns", &plan.conns.to_string()]);
    drive.args(["--server-pid", &server.0.id().to_string()]);
    let mut client = Process(drive.spawn()?);
    let started = Instant::now();
    while client.0.try_wait()?.is_none() {
        ensure!(started.elapsed() < PATIENCE, "it took longer than {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(10));
    }
    let mut text = String::new();
    client.0.stdout.take().context("its output is piped")?.read_to_string(&mut text)?;
    match text.lines().find_map(|line| line.strip_prefix("RESULT ")) {
        Some(json) => Ok(serde_json::from_str(json)?),
        None => bail!("the client ended without a result"),
    }
}
