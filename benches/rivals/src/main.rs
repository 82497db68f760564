//! Compares distributed-scope with the lower bound and other libraries for remote calls: same
//! payloads, same checks, `TCP_NODELAY` everywhere, in interleaved rounds. See `README.md`.

mod contender;
mod contenders;
mod load;
mod outcome;
mod process;
mod rounds;
mod table;
mod workload;

use anyhow::{Context, Result, ensure};
use clap::{Args, Parser, Subcommand};

use contender::{Contender, Serve};
use rounds::Plan;
use workload::{Drive, Workload};

#[derive(Parser)]
#[command(about = "distributed-scope beside the floor and other libraries for remote calls")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs everything in turns and prints a table
    All(Plan),
    /// Names the contenders and how each is configured
    List,
    /// Runs the server of one contender
    Serve(ServeArgs),
    /// Runs one workload against such a server, and prints one line of JSON
    Drive(DriveArgs),
}

#[derive(Args)]
struct ServeArgs {
    name: String,
    #[arg(long)]
    port: u16,
    /// Threads that serve connections (distributed-scope alone has a choice here); 0 is one
    #[arg(long, default_value_t = 0)]
    threads: usize,
    /// Stay on this processor
    #[arg(long)]
    cpu: Option<usize>,
}

#[derive(Args)]
struct DriveArgs {
    name: String,
    #[arg(long)]
    port: u16,
    #[arg(long)]
    workload: Workload,
    #[arg(long)]
    calls: Option<usize>,
    #[arg(long)]
    warmup: Option<usize>,
    #[arg(long, default_value_t = 64)]
    in_flight: usize,
    #[arg(long, default_value_t = 1 << 20)]
    blob: usize,
    /// Connections of W5, waiting calls of W7
    #[arg(long, default_value_t = 1000)]
    conns: usize,
    #[arg(long)]
    server_pid: u32,
    /// Accepted because other harnesses say it; clients have one thread
    #[arg(long, default_value_t = 0, hide = true)]
    threads: usize,
    #[arg(long)]
    cpu: Option<usize>,
}

fn named(name: &str) -> Result<Contender> {
    let mut all = contenders::all().into_iter();
    all.find(|contender| contender.name == name)
        .with_context(|| format!("there is no contender `{name}`; `rivals list` names them"))
}

fn main() -> Result<()> {
    match Cli::parse().command {
        Command::All(plan) => rounds::run(&plan),
        Command::List => {
            for contender in contenders::all() {
                println!("{:18} {}", contender.name, contender.about);
            }
            Ok(())
        }
        Command::Serve(args) => {
            args.cpu.map_or(Ok(()), process::pin)?;
            (named(&args.name)?.serve)(&Serve { port: args.port, workers: args.threads })
        }
        Command::Drive(args) => {
            args.cpu.map_or(Ok(()), process::pin)?;
            ensure!(process::exists(args.server_pid), "there is no process {}", args.server_pid);
            let contender = named(&args.name)?;
            let workload = args.workload;
            ensure!(contender.workloads.contains(&workload), "{} does not do {workload:?}", contender.name);
            let (calls, warmup) = workload.calls();
            let run = Drive {
                port: args.port,
                workload,
                calls: args.calls.unwrap_or(calls),
                warmup: args.warmup.unwrap_or(warmup),
                in_flight: args.in_flight.max(1),
                blob: args.blob,
                others: args.conns,
                server: args.server_pid,
            };
            let mut outcome = (contender.drive)(&run)?;
            outcome.name = contender.name.to_owned();
            outcome.workload = format!("{workload:?}");
            println!("RESULT {}", serde_json::to_string(&outcome)?);
            // Some libraries leave threads behind that never end.
            std::process::exit(0)
        }
    }
}
