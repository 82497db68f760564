//! `cargo xtask autobahn`: the Autobahn test suite against the WebSockets that sessions use.
//!
//! The suite specifies the behaviour of a WebSocket in some 300 cases without compression, and is
//! a program for Python 2. If Python 2 is available, the suite is installed below the target
//! directory. Its results are compared with `actor-peer/autobahn.txt`, so that a change of
//! behaviour is a change of that file. No case may fail.

mod suite;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::Step;
use crate::step::{self, Passed};
use suite::Suite;

/// What was found before, and is expected again.
const RESULTS: &str = "actor-peer/autobahn.txt";

/// Each case by its number, with what each agent made of it.
type Results = BTreeMap<Vec<u32>, BTreeMap<String, String>>;

pub(crate) fn steps() -> Vec<Step> {
    vec![Step::check("WebSockets, as the Autobahn test suite wants them", || run(false))]
}

/// Replaces the kept results by the new ones.
pub(crate) fn accept() -> Vec<Step> {
    vec![Step::check("WebSockets, as the Autobahn test suite finds them", || run(true))]
}

/// How often a case is tried that went wrong or differs: the suite waits a second for each answer,
/// and no machine is always that quick.
const ATTEMPTS: usize = 3;

fn run(accept: bool) -> Result<Passed, String> {
    let suite = match Suite::install()? {
        Ok(suite) => suite,
        Err(reason) => return Ok(Passed::Skipped(reason)),
    };
    let path = step::root().join(RESULTS);
    // What is written down anew differs from nothing.
    let expected = if accept {
        None
    } else {
        Some(std::fs::read_to_string(&path).map_err(|error| format!("cannot read {RESULTS}: {error}"))?)
    };
    let tests = test_program()?;
    let (mut results, mut cases) = (Results::new(), vec!["*".to_owned()]);
    for _ in 0..ATTEMPTS {
        for reports in
            [servers(&suite, &tests, &cases)?, dialler(&suite, &tests, &cases)?].into_iter().flatten()
        {
            for (case, agents) in suite.results(&reports)? {
                results.entry(case).or_default().extend(agents);
            }
        }
        cases = doubtful(&results, expected.as_deref());
        if cases.is_empty() {
            break;
        }
        step::say(&format!("  once more: {}", cases.join(" ")));
    }
    step::say(&summary(&results));
    let found = table(&results);
    if let Some(expected) = expected {
        let changes = changes(&expected, &found);
        if !changes.is_empty() {
            return Err(format!(
                "the results differ from {RESULTS}:\n{changes}\nWhere they are right, write them down with\n    \
                 cargo xtask autobahn --accept"
            ));
        }
    } else {
        std::fs::write(&path, &found).map_err(|error| format!("cannot write {RESULTS}: {error}"))?;
    }
    // What fails is not written down as right either.
    let failed: Vec<_> = found.lines().filter(|line| fails(line)).collect();
    if failed.is_empty() { Ok(Passed::Holds) } else { Err(format!("cases failed:\n{}", failed.join("\n"))) }
}

fn fails(line: &str) -> bool {
    !line.starts_with('#') && ["FAILED", "WRONG CODE", "UNCLEAN"].iter().any(|word| line.contains(word))
}

/// The cases that went wrong, or other than expected.
fn doubtful(results: &Results, expected: Option<&str>) -> Vec<String> {
    let is_new = |line: &str| {
        expected.is_some_and(|expected| !expected.lines().any(|other| lenient(other) == lenient(line)))
    };
    let found = table(results);
    let lines = found.lines().filter(|line| fails(line) || is_new(line));
    lines.filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
}

/// Builds the tests of the Actix peer, with both WebSocket crates, and returns the path of the
/// program.
fn test_program() -> Result<String, String> {
    let output = step::cargo()
        .args(["test", "--package", "distributed-scope-actor-peer", "--features", "actix-web-actors"])
        .args(["--lib", "--no-run", "--message-format", "json"])
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("cargo cannot be started: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let program = text.lines().rev().find_map(|line| {
        line.split_once("\"executable\":\"")?.1.split_once('"').map(|(path, _)| path.to_owned())
    });
    program
        .filter(|_| output.status.success())
        .ok_or_else(|| "the tests of the Actix peer do not build".to_owned())
}

/// The suite dials our two servers. Tells where its reports are.
fn servers(suite: &Suite, tests: &str, cases: &[String]) -> Result<Option<PathBuf>, String> {
    let mut server = Process::start(Command::new(tests).args([
        "--exact",
        "session::echo_tests::echo_server",
        "--ignored",
        "--nocapture",
    ]))?;
    let port = server.says("port ")?;
    let reports = suite.reports("servers")?;
    let agent = |name: &str| {
        format!(
            "{{\"agent\": \"{name}\", \"url\": \"ws://127.0.0.1:{port}/{name}\", \"options\": {{\"version\": 18}}}}"
        )
    };
    let specification = format!(
        "{{\"options\": {{\"failByDrop\": false}}, \"outdir\": \"{}\", \"servers\": [{}, {}], \"cases\": {cases:?}, \
         \"exclude-cases\": [\"12.*\", \"13.*\"], \"exclude-agent-cases\": {{}}}}",
        reports.display(),
        agent("response-body"),
        agent("actix-web-actors"),
    );
    suite.command("fuzzingclient", &specification)?.finish()?;
    Ok(Some(reports))
}

/// Our dialler dials the suite. The cases of chapter 9 send more than a session takes, and it is
/// here as it is there.
fn dialler(suite: &Suite, tests: &str, cases: &[String]) -> Result<Option<PathBuf>, String> {
    if cases.iter().all(|case| case.starts_with("9.")) {
        return Ok(None);
    }
    let reports = suite.reports("dialler")?;
    let port = free_port()?;
    let url = format!("ws://127.0.0.1:{port}");
    let specification = format!(
        "{{\"options\": {{\"failByDrop\": false}}, \"outdir\": \"{}\", \"url\": \"{url}\", \"cases\": {cases:?}, \
         \"exclude-cases\": [\"9.*\", \"12.*\", \"13.*\"], \"exclude-agent-cases\": {{}}, \"webport\": 0}}",
        reports.display(),
    );
    let server = suite.command("fuzzingserver", &specification)?;
    until_it_listens(port)?;
    Process::start(
        Command::new(tests)
            .args(["--exact", "session::echo_tests::echo_client", "--ignored", "--nocapture"])
            .env("AUTOBAHN_URL", &url),
    )?
    .finish()?;
    drop(server);
    Ok(Some(reports))
}

fn free_port() -> Result<u16, String> {
    let port = std::net::TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| listener.local_addr());
    port.map(|address| address.port()).map_err(|error| format!("there is no free port: {error}"))
}

fn until_it_listens(port: u16) -> Result<(), String> {
    let began = Instant::now();
    while let Err(error) = std::net::TcpStream::connect(("127.0.0.1", port)) {
        if began.elapsed() > Duration::from_secs(60) {
            return Err(format!("the suite does not listen on port {port}: {error}"));
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    Ok(())
}

/// A program that ends when this is dropped.
struct Process(Child);

impl Process {
    fn start(command: &mut Command) -> Result<Self, String> {
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        child
            .map(Self)
            .map_err(|error| format!("{} cannot be started: {error}", command.get_program().display()))
    }

    /// The text after `prefix` in the first line that begins with it.
    fn says(&mut self, prefix: &str) -> Result<String, String> {
        let output = self.0.stdout.take().ok_or("its output was read before")?;
        let mut lines = BufReader::new(output).lines();
        let found = lines.by_ref().find_map(|line| Some(line.ok()?.strip_prefix(prefix)?.to_owned()));
        // What else it says is of no interest, but it must be able to say it.
        std::thread::spawn(move || lines.for_each(drop));
        found.ok_or_else(|| format!("it ended without saying `{prefix}`"))
    }

    /// Waits for its end, and forwards its output.
    fn finish(mut self) -> Result<(), String> {
        if let Some(output) = self.0.stdout.take() {
            BufReader::new(output)
                .lines()
                .map_while(Result::ok)
                .for_each(|line| step::say(&format!("  {line}")));
        }
        let status = self.0.wait().map_err(|error| format!("it cannot be waited for: {error}"))?;
        if status.success() { Ok(()) } else { Err(format!("it ended with {status}")) }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// One line for each case.
fn table(results: &Results) -> String {
    let mut text = String::from(
        "# What the Autobahn test suite finds: `cargo xtask autobahn` compares, `cargo xtask autobahn --accept` writes.\n\
         # Each line is a case; for each agent, its behaviour and the code it closes with, or - for none.\n",
    );
    for (case, agents) in results {
        let number: Vec<_> = case.iter().map(u32::to_string).collect();
        let agents: Vec<_> = agents.iter().map(|(agent, found)| format!("{agent}: {found}")).collect();
        // Writing to a string does not fail.
        let _ = writeln!(text, "{:8}{}", number.join("."), agents.join(" | "));
    }
    text
}

/// How often each agent behaved in each way.
fn summary(results: &Results) -> String {
    let mut counts = BTreeMap::<(&str, &str), usize>::new();
    for (agent, found) in results.values().flatten() {
        let behaviour = found.split_whitespace().next().unwrap_or_default();
        *counts.entry((agent, behaviour)).or_default() += 1;
    }
    let lines: Vec<_> =
        counts.iter().map(|((agent, behaviour), count)| format!("  {agent}: {count} {behaviour}")).collect();
    lines.join("\n")
}

/// A line as it is compared. If an invalid frame follows a message and both arrived at once, the
/// error may be reported first. The suite accepts that as "not strict", so the result may differ
/// each time.
fn lenient(line: &str) -> String {
    line.replace("NON-STRICT", "OK")
}

/// The lines that are not in both.
fn changes(expected: &str, found: &str) -> String {
    let only = |sign: char, here: &str, there: &str| {
        let there: std::collections::HashSet<_> = there.lines().map(lenient).collect();
        let lines = here.lines().filter(|line| !there.contains(&lenient(line)));
        lines.map(|line| format!("{sign} {line}")).collect::<Vec<_>>()
    };
    [only('-', expected, found), only('+', found, expected)].concat().join("\n")
}

/// The number of a case, so that 1.2.10 follows 1.2.9.
fn number(case: &str) -> Option<Vec<u32>> {
    case.split('.').map(|part| part.parse().ok()).collect()
}

/// Where the reports of an agent are.
fn index(reports: &Path) -> PathBuf {
    reports.join("index.json")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn results(found: &[(&str, &str, &str)]) -> Results {
        let mut results = Results::new();
        for (case, agent, found) in found {
            let agents = results.entry(number(case).unwrap()).or_default();
            agents.insert((*agent).to_owned(), (*found).to_owned());
        }
        results
    }

    #[test]
    fn cases_are_in_the_order_of_their_numbers_with_their_agents_beside_each_other() {
        let table = table(&results(&[("1.10", "b", "OK"), ("1.9", "b", "OK"), ("1.9", "a", "FAILED")]));
        let lines: Vec<_> = table.lines().skip(2).collect();
        assert_eq!(lines, ["1.9     a: FAILED | b: OK", "1.10    b: OK"]);
    }

    #[test]
    fn a_case_that_behaves_otherwise_is_a_change_and_one_that_does_not_is_none() {
        let before = table(&results(&[("1.1", "a", "OK"), ("1.2", "a", "OK")]));
        let after = table(&results(&[("1.1", "a", "OK"), ("1.2", "a", "FAILED")]));
        assert_eq!(changes(&before, &before), "");
        assert_eq!(changes(&before, &before.replacen("OK", "NON-STRICT", 1)), "");
        assert_eq!(changes(&before, &after), "- 1.2     a: OK\n+ 1.2     a: FAILED");
    }
    #[test]
    fn a_case_that_fails_or_changes_is_tried_again() {
        let found = results(&[("1.1", "a", "OK 1000"), ("1.2", "a", "FAILED 1000"), ("1.3", "a", "OK 1002")]);
        assert_eq!(doubtful(&found, None), ["1.2"]);
        let before = results(&[("1.1", "a", "OK 1000"), ("1.2", "a", "OK 1000"), ("1.3", "a", "OK 1000")]);
        assert_eq!(doubtful(&found, Some(&table(&before))), ["1.2", "1.3"]);
        assert_eq!(doubtful(&before, Some(&table(&before))), Vec::<String>::new());
    }
}
