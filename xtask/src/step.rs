//! A step: one command, or one check in this program. Steps run in order until one fails.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

/// One thing to do.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    /// What it shows when it passes.
    what: &'static str,
    action: Action,
}

#[derive(Clone, Debug)]
enum Action {
    Cargo(CargoCommand),
    Check(fn() -> Result<Passed, String>),
    CheckFor(fn(Duration) -> Result<Passed, String>, Duration),
}

#[derive(Clone, Debug)]
struct CargoCommand {
    environment: &'static [(&'static str, &'static str)],
    arguments: &'static [&'static str],
}

/// How a check ends when it does not fail.
#[derive(Debug)]
pub(crate) enum Passed {
    /// It holds.
    Holds,
    /// It could not be made here, for this reason.
    Skipped(String),
}

/// Why a step failed.
enum Failure {
    /// The command ran, printed its error itself, and ended like this.
    Command(String),
    /// The check found this.
    Check(String),
}

impl Step {
    /// A step that runs cargo with these arguments, separated by spaces.
    pub(crate) const fn cargo(what: &'static str, arguments: &'static [&'static str]) -> Self {
        Self { what, action: Action::Cargo(CargoCommand { environment: &[], arguments }) }
    }

    /// The same step with these variables in its environment.
    pub(crate) fn with(mut self, environment: &'static [(&'static str, &'static str)]) -> Self {
        if let Action::Cargo(command) = &mut self.action {
            command.environment = environment;
        }
        self
    }

    /// A step that this program does itself.
    pub(crate) const fn check(what: &'static str, check: fn() -> Result<Passed, String>) -> Self {
        Self { what, action: Action::Check(check) }
    }

    /// A step that this program does itself, for the given time.
    pub(crate) const fn check_for(
        what: &'static str,
        check: fn(Duration) -> Result<Passed, String>,
        time: Duration,
    ) -> Self {
        Self { what, action: Action::CheckFor(check, time) }
    }

    fn run(&self) -> Result<Passed, Failure> {
        match &self.action {
            Action::Cargo(command) => command.run().map(|()| Passed::Holds).map_err(Failure::Command),
            Action::Check(check) => check().map_err(Failure::Check),
            Action::CheckFor(check, time) => check(*time).map_err(Failure::Check),
        }
    }
}

impl CargoCommand {
    fn run(&self) -> Result<(), String> {
        // No step needs input, and in CI no one could answer.
        let status = cargo()
            .args(self.arguments)
            .envs(self.environment.iter().copied())
            .stdin(Stdio::null())
            .status()
            .map_err(|error| format!("cargo cannot be started: {error}"))?;
        if status.success() { Ok(()) } else { Err(format!("cargo ended with {status}")) }
    }
}

impl fmt::Display for CargoCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, value) in self.environment {
            write!(f, "{name}={value} ")?;
        }
        write!(f, "cargo {}", self.arguments.join(" "))
    }
}

/// The cargo that runs this program, in the workspace's root.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    command
}

/// Runs a command whose output people read.
pub(crate) fn run(command: &mut Command) -> Result<(), String> {
    let program = format!("{:?}", command.get_program());
    let status = command.stdin(Stdio::null()).status();
    match status.map_err(|error| format!("{program} cannot be started: {error}"))? {
        status if status.success() => Ok(()),
        status => Err(format!("{program} ended with {status}")),
    }
}

/// What a command prints, if it succeeds.
pub(crate) fn output(command: &mut Command) -> Result<String, String> {
    let program = format!("{:?}", command.get_program());
    let output = command.output().map_err(|error| format!("{program} cannot be started: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(format!("{program} ended with {}:\n{}", output.status, String::from_utf8_lossy(&output.stderr)))
}

/// The workspace's root: xtask/ is directly in it.
pub(crate) fn root() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here)
}

/// Where whatever is built belongs.
pub(crate) fn target_directory() -> PathBuf {
    // A relative one is meant from where cargo is run, which is the root.
    root().join(std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into()))
}

/// Runs the steps in order, and stops at the first that fails.
pub(crate) fn run_all(steps: &[Step]) -> ExitCode {
    let mut summary = Vec::new();
    for (index, step) in steps.iter().enumerate() {
        say(&format!("\n[{}/{}] {}", index + 1, steps.len(), step.what));
        if let Action::Cargo(command) = &step.action {
            say(&format!("$ {command}"));
        }
        let started = Instant::now();
        let result = step.run();
        let took = seconds(started.elapsed());
        match result {
            Ok(Passed::Holds) => summary.push(format!("  passed   {took}  {}", step.what)),
            Ok(Passed::Skipped(reason)) => {
                say(&format!("skipped: {reason}"));
                summary.push(format!("  skipped  {took}  {}: {reason}", step.what));
            }
            Err(failure) => {
                say(&format!("\nSummary\n{}", summary.join("\n")));
                say(&format!("  FAILED   {took}  {}", step.what));
                complain(&advice(step, &failure));
                return ExitCode::FAILURE;
            }
        }
    }
    say(&format!("\nSummary\n{}\nAll {} steps done.", summary.join("\n"), steps.len()));
    ExitCode::SUCCESS
}

fn advice(step: &Step, failure: &Failure) -> String {
    match (&step.action, failure) {
        (Action::Cargo(command), Failure::Command(how)) => {
            format!("\nerror: {}: {how}\nRun it alone with:\n    {command}", step.what)
        }
        (_, Failure::Command(how) | Failure::Check(how)) => format!("\nerror: {}: {how}", step.what),
    }
}

fn seconds(duration: Duration) -> String {
    format!("{:6.1} s", duration.as_secs_f64())
}

#[expect(clippy::print_stdout, reason = "to tell people what it does is what this program is for")]
pub(crate) fn say(text: &str) {
    println!("{text}");
}

#[expect(clippy::print_stderr, reason = "what went wrong belongs on standard error")]
pub(crate) fn complain(text: &str) {
    eprintln!("{text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_step_says_how_to_run_it_alone_with_its_environment() {
        let step =
            Step::cargo("documentation", &["doc", "--no-deps"]).with(&[("RUSTDOCFLAGS", "-Dwarnings")]);
        let text = advice(&step, &Failure::Command("cargo ended with exit status: 101".to_owned()));
        assert!(text.contains("\n    RUSTDOCFLAGS=-Dwarnings cargo doc --no-deps"), "{text}");
    }

    #[test]
    fn the_first_step_that_fails_ends_the_run() {
        fn never_reached() -> Result<Passed, String> {
            panic!("a step ran after one that failed")
        }
        let steps = [
            Step::check("holds", || Ok(Passed::Holds)),
            Step::check("is skipped", || Ok(Passed::Skipped("no reason".to_owned()))),
            Step::check("fails", || Err("on purpose".to_owned())),
            Step::check("is not reached", never_reached),
        ];
        assert_eq!(run_all(&steps), ExitCode::FAILURE);
        assert_eq!(run_all(&steps[..2]), ExitCode::SUCCESS);
    }
}
