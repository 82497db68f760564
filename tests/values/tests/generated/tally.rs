//! The outcomes of all values.

use std::collections::{BTreeMap, BTreeSet};

use distributed_scope::{ErrorKind, Peer, PeerId, Ran, Refusal, RemoteError};

use crate::sending::{Arrived, Send};
use crate::types::CASES;

/// Failures that are printed in full.
const PRINTED: usize = 10;

#[derive(Default)]
pub(crate) struct Tally {
    types: BTreeMap<usize, Counts>,
    failures: Vec<String>,
    failed: BTreeSet<usize>,
}

#[derive(Default)]
struct Counts {
    equal: usize,
    refused: usize,
    changed: usize,
    late: usize,
    /// Late, of a value that is refused as a capture.
    late_as_expected: usize,
    /// The type cannot travel, so no value of it is sent any more.
    is_refused: bool,
    /// Why values were refused: an example for each kind.
    refusals: BTreeMap<&'static str, String>,
}

impl Tally {
    /// Sends values, and counts their outcomes. Returns whether they arrived.
    pub(crate) async fn send(&mut self, peer: &Peer, to: PeerId, case: usize, send: Send) -> bool {
        if self.counts(case).is_refused {
            return false;
        }
        match (CASES[case].send)(peer, to, send).await {
            Ok(arrived) => {
                self.compare(case, arrived);
                return true;
            }
            // One of them is the reason, and the others travel without it.
            Err(error) if send.more > 0 && error.ran() == Ran::Never => {
                let mut all_arrive = true;
                for seed in send.seed..=send.seed + send.more {
                    let alone = Send { seed, more: 0, ..send };
                    all_arrive &= Box::pin(self.send(peer, to, case, alone)).await;
                }
                if all_arrive {
                    self.count_error(case, send.seed, &error);
                }
            }
            Err(error) => self.count_error(case, send.seed, &error),
        }
        false
    }

    /// The same with a result that is refused as a capture. It may fail late, but must not change.
    pub(crate) async fn send_what_is_refused(&mut self, peer: &Peer, to: PeerId, case: usize, send: Send) {
        match (CASES[case].send)(peer, to, send).await {
            Ok(arrived) => self.compare(case, arrived),
            Err(_) => self.counts(case).late_as_expected += 1,
        }
    }

    fn compare(&mut self, case: usize, arrived: Vec<Arrived>) {
        for arrived in arrived {
            if arrived.expected == arrived.got {
                self.counts(case).equal += 1;
                continue;
            }
            self.counts(case).changed += 1;
            let what = format!("sent, as serde writes it: {}\narrived: {}", arrived.expected, arrived.got);
            self.fail(case, arrived.seed, "CHANGED", &what);
        }
    }

    fn counts(&mut self, case: usize) -> &mut Counts {
        self.types.entry(case).or_default()
    }

    fn count_error(&mut self, case: usize, seed: u64, error: &RemoteError) {
        if error.ran() != Ran::Never {
            self.counts(case).late += 1;
            return self.fail(case, seed, "LATE", &format!("{error:#}"));
        }
        let counts = self.counts(case);
        counts.refused += 1;
        counts.is_refused = matches!(error.kind(), ErrorKind::Refused(Refusal::CannotTravel(_)));
        counts.refusals.entry(error.kind().code()).or_insert_with(|| format!("seed {seed}: {error:#}"));
    }

    fn fail(&mut self, case: usize, seed: u64, how: &str, what: &str) {
        // The first value of a type says enough.
        if self.failed.insert(case) {
            self.failures.push(format!(
                "{how}, {}, seed {seed}:\n{}{what}\n",
                CASES[case].name,
                definitions(case)
            ));
        }
    }

    /// Fails unless each value arrived equal or was refused, at least `values` arrived, and nearly
    /// all types travel.
    pub(crate) fn assert(self, values: usize) {
        println!("DISTRIBUTED_SCOPE_SEED={}", crate::seed());
        let sum = |count: fn(&Counts) -> usize| self.types.values().map(count).sum::<usize>();
        let (equal, refused) = (sum(|c| c.equal), sum(|c| c.refused));
        let (changed, late) = (sum(|c| c.changed), sum(|c| c.late));
        let mut refusals = BTreeMap::<_, Vec<_>>::new();
        for (case, counts) in &self.types {
            for (code, example) in &counts.refusals {
                refusals.entry(code).or_default().push((CASES[*case].name, counts.equal, example));
            }
        }
        for (code, types) in refusals {
            println!("{} types have values that were refused, {code}; for instance", types.len());
            for (name, equal, example) in types.iter().take(PRINTED) {
                println!("    {name} ({equal} of its values arrived): {example:?}");
            }
        }
        for failure in self.failures.iter().take(PRINTED) {
            println!("{failure}");
        }
        let types = self.types.len();
        let travelling = self.types.values().filter(|counts| counts.equal > 0).count();
        let failed = self.failed.iter().map(|case| CASES[*case].name).collect::<Vec<_>>();
        let late_as_expected = sum(|c| c.late_as_expected);
        println!("{late_as_expected} values that are refused as captures fail as results");
        println!(
            "{types} types, {travelling} travel; values: {equal} equal, {refused} refused, {changed} changed, {late} late; failed: {failed:?}"
        );
        assert_eq!((changed, late), (0, 0), "(changed, refused after the block ran)");
        assert!(equal >= values, "{equal} values arrived");
        assert!(travelling * 100 >= types * 95, "{travelling} of {types} types travel");
    }
}

/// A type with all generated types in it.
fn definitions(case: usize) -> String {
    let mut all = BTreeSet::new();
    let mut todo = vec![case];
    while let Some(case) = todo.pop() {
        if all.insert(case) {
            todo.extend(CASES[case].uses);
        }
    }
    all.into_iter().map(|case| CASES[case].definition).collect()
}
