//! The suite itself: where it is installed, and how it is run.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::{Process, Results, index, number};
use crate::step;

/// The last release. It needs Python 2, and virtualenv 16 is the last that makes an environment
/// for it with nothing else.
const SUITE: &str = "autobahntestsuite==25.10.1";
const VIRTUALENV: &str = "virtualenv==16.7.12";

/// Prints the results of the suite: a line for each case and agent. Which side first dropped the
/// TCP connection is left out: it depends on timing, and the standard has no rule for it. Python
/// reads the JSON, because that is not worth a dependency.
const LINES: &str = "\
import json, sys
for agent, cases in json.load(open(sys.argv[1])).items():
    for case, found in cases.items():
        close = found['behaviorClose']
        words = [found['behavior'], str(found['remoteCloseCode'] or '-')]
        print('\\t'.join([agent, case, ' '.join(words + ([close] if close in ('WRONG CODE', 'UNCLEAN') else []))]))
";

/// An environment with the suite in it.
pub(super) struct Suite {
    directory: PathBuf,
    bin: PathBuf,
}

impl Suite {
    /// The suite, installed unless it is already; or the reason why it is not available.
    pub(super) fn install() -> Result<Result<Self, String>, String> {
        let Some(python) = python2() else {
            return Ok(Err(
                "the suite needs Python 2.7: install it, or say where it is with PYTHON2".to_owned()
            ));
        };
        let directory = step::target_directory().join("autobahn");
        let bin = directory.join("environment/bin");
        let suite = Self { directory, bin };
        let done = suite.directory.join("installed");
        if std::fs::read_to_string(&done).is_ok_and(|installed| installed == SUITE) {
            return Ok(Ok(suite));
        }
        let tool = suite.directory.join("virtualenv");
        create(&suite.directory)?;
        let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
        let make = [
            Command::new(&python)
                .args(pip)
                .arg("--upgrade")
                .arg("--target")
                .arg(&tool)
                .arg(VIRTUALENV)
                .status(),
            Command::new(&python)
                .arg(tool.join("virtualenv.py"))
                .arg("environment")
                .current_dir(&suite.directory)
                .status(),
            Command::new(suite.bin.join("python")).args(pip).arg(SUITE).status(),
        ];
        // A missing network is not an error of ours.
        if !make.iter().all(|status| status.as_ref().is_ok_and(std::process::ExitStatus::success)) {
            return Ok(Err(format!("{SUITE} could not be installed with {}", python.display())));
        }
        std::fs::write(&done, SUITE).map_err(|error| format!("cannot write {}: {error}", done.display()))?;
        Ok(Ok(suite))
    }

    /// An empty place for reports.
    pub(super) fn reports(&self, name: &str) -> Result<PathBuf, String> {
        let reports = self.directory.join("reports").join(name);
        // It may not be there.
        let _ = std::fs::remove_dir_all(&reports);
        create(&reports)?;
        Ok(reports)
    }

    /// Starts the suite in one of its modes.
    pub(super) fn command(&self, mode: &str, specification: &str) -> Result<Process, String> {
        let file = self.directory.join(format!("{mode}.json"));
        std::fs::write(&file, specification)
            .map_err(|error| format!("cannot write {}: {error}", file.display()))?;
        let mut command = Command::new(self.bin.join("wstest"));
        // Its web page is not wanted.
        command.args(["--webport", "0", "--mode", mode, "--spec"]).arg(&file).current_dir(&self.directory);
        Process::start(&mut command)
    }

    /// The content of its reports.
    pub(super) fn results(&self, reports: &Path) -> Result<Results, String> {
        let output = Command::new(self.bin.join("python"))
            .args(["-c", LINES])
            .arg(index(reports))
            .output()
            .map_err(|error| format!("Python cannot be started: {error}"))?;
        let mut results = Results::new();
        for line in String::from_utf8_lossy(&output.stdout).lines() {
            let mut columns = line.split('\t');
            if let (Some(agent), Some(case), Some(found)) = (columns.next(), columns.next(), columns.next())
                && let Some(case) = number(case)
            {
                results.entry(case).or_default().insert(agent.to_owned(), found.to_owned());
            }
        }
        if results.is_empty() {
            Err(format!("there is no report in {}", reports.display()))
        } else {
            Ok(results)
        }
    }
}

fn create(directory: &Path) -> Result<(), String> {
    std::fs::create_dir_all(directory)
        .map_err(|error| format!("cannot make {}: {error}", directory.display()))
}

/// A Python 2.7 that starts: the one that is named, one on the path, or one that pyenv has.
fn python2() -> Option<OsString> {
    let named = std::env::var_os("PYTHON2");
    let of_pyenv = std::env::var_os("PYENV_ROOT")
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".pyenv")))
        .map(|pyenv| pyenv.join("versions/2.7.18/bin/python").into_os_string());
    let candidates = named.into_iter().chain(["python2.7".into(), "python2".into()]).chain(of_pyenv);
    candidates.into_iter().find(|python| {
        let check = ["-c", "import sys; sys.exit(sys.version_info[:2] != (2, 7))"];
        let status = Command::new(python).args(check).stdin(Stdio::null()).stderr(Stdio::null()).status();
        status.is_ok_and(|status| status.success())
    })
}
