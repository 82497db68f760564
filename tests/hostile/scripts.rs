//! The scripts of one kind and how they were refused, to compare with `README.md`.

use std::fmt::Write;

use distributed_scope_core::frame::Reject;
use tokio::sync::{mpsc, oneshot};

/// Each script that was played, with the code that it was refused with.
#[derive(Default)]
pub(crate) struct Scripts {
    played: Vec<(&'static str, String)>,
    /// Asks another task, after each script, to check whether other peers are affected.
    others: Option<Others>,
}

/// Asks another task to check the other peers, and waits for that.
pub(crate) type Others = mpsc::UnboundedSender<(&'static str, oneshot::Sender<()>)>;

impl Scripts {
    /// Scripts that run while other peers are active.
    pub(crate) fn beside(others: Others) -> Self {
        Self { played: Vec::new(), others: Some(others) }
    }

    /// All scripts were played; the other peers need no more checks.
    pub(crate) fn over(self) -> Self {
        Self { others: None, ..self }
    }

    /// A script was refused with this code.
    pub(crate) fn refused(&mut self, script: &'static str, code: impl Into<String>) {
        self.played.push((script, code.into()));
        if let Some(others) = &self.others {
            let (looked, is_looked) = oneshot::channel();
            // Where they have failed, that is what the test fails of.
            if others.send((script, looked)).is_ok() {
                let _ = is_looked.blocking_recv();
            }
        }
    }

    /// Compares what happened with the section of this title in `README.md`.
    pub(crate) fn are_those_of(&self, section: &str) {
        let mut table = String::from("| script | code |\n|---|---|\n");
        for (script, code) in &self.played {
            writeln!(table, "| {script} | {code} |").unwrap();
        }
        let readme = include_str!("README.md");
        let (_, rest) = readme.split_once(&format!("## {section}\n")).unwrap_or_default();
        let written: String = rest
            .lines()
            .skip_while(|line| !line.starts_with('|'))
            .take_while(|line| line.starts_with('|'))
            .flat_map(|line| [line, "\n"])
            .collect();
        assert!(written == table, "what README.md says of \"{section}\" is not what happened:\n{table}");
    }
}

/// How the table names an answer of the handshake; what it says besides, seconds for instance,
/// differs each time.
pub(crate) fn reject(reject: &Reject) -> String {
    let text = format!("{reject:?}");
    format!("reject `{}`", text.split_whitespace().next().unwrap_or_default())
}

/// How the table names a close frame.
pub(crate) fn close(code: u16, reason: &str) -> String {
    format!("close {code}: {reason}")
}
