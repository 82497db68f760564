//! What is known of every call from outside, and the outcomes that this allows.

use std::collections::HashMap;

use bytes::Bytes;
use distributed_scope_core::frame::HEAD;
use distributed_scope_core::pending::Ending;
use distributed_scope_core::{ErrorKind, Ran, RemoteError};

use crate::plan::CallPlan;

/// Names a call in the whole schedule; it travels in the captures and in the result.
pub(crate) type Nonce = u64;

/// All calls of a schedule.
#[derive(Debug, Default)]
pub(crate) struct Model {
    calls: Vec<Record>,
    pub(crate) endings: HashMap<&'static str, usize>,
}

#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) plan: CallPlan,
    /// The moment of its deadline in microseconds.
    deadline: Option<u64>,
    runs: u32,
    end: Option<End>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Value,
    Error(Ran),
    /// The caller gave it up, or is no more.
    GivenUp,
}

impl Model {
    pub(crate) fn begin(&mut self, plan: CallPlan, deadline: Option<u64>) -> Nonce {
        self.calls.push(Record { plan, deadline, runs: 0, end: None });
        self.calls.len() as Nonce - 1
    }

    pub(crate) fn plan(&self, call: Nonce) -> CallPlan {
        self.calls[call as usize].plan
    }

    /// A block begins to run with these captures.
    pub(crate) fn runs(&mut self, captures: &Bytes) -> Nonce {
        let call = read(captures);
        let record = &mut self.calls[call as usize];
        assert_eq!(captures.len(), record.plan.size, "call {call} came with other captures");
        record.runs += 1;
        assert_eq!(record.runs, 1, "call {call} runs twice");
        assert_ne!(
            record.end,
            Some(End::Error(Ran::Never)),
            "call {call} runs although it was told to have not"
        );
        call
    }

    pub(crate) fn given_up(&mut self, call: Nonce) {
        let record = &mut self.calls[call as usize];
        assert_eq!(record.end, None, "call {call} is given up after its end");
        record.end = Some(End::GivenUp);
        *self.endings.entry("given up").or_default() += 1;
    }

    pub(crate) fn ends(&mut self, call: Nonce, ending: Ending, now: u64, gentle: bool) {
        let record = &mut self.calls[call as usize];
        assert_eq!(record.end, None, "call {call} ends twice");
        assert!(
            record.deadline.is_none_or(|deadline| now <= deadline),
            "call {call} ends after its deadline"
        );
        let (end, name) = match ending {
            Ok(payload) => {
                assert_eq!(read(&payload.bytes), call, "a reply for another call");
                assert_eq!(payload.bytes.len(), record.plan.result_size, "call {call} has another result");
                assert!(!record.plan.raises && record.runs == 1);
                (End::Value, "value")
            }
            Err(error) => {
                let may_have_run = error.ran() != Ran::Never;
                assert!(
                    record.runs == 0 || may_have_run,
                    "call {call} ran although {error:#} says it did not"
                );
                assert!(record.runs == 1 || error.ran() != Ran::Yes, "call {call} did not run: {error:#}");
                if matches!(error.kind(), ErrorKind::Raised) {
                    assert_eq!(
                        format!("{error:#}"),
                        format!("{:#}", raised(call)),
                        "an error of another call"
                    );
                    assert!(record.plan.raises);
                } else {
                    assert!(!gentle, "call {call} failed: {error:#}");
                }
                (End::Error(error.ran()), name(error.kind()))
            }
        };
        record.end = Some(end);
        *self.endings.entry(name).or_default() += 1;
    }

    pub(crate) fn all_are_over(&self) -> bool {
        self.calls.iter().all(|record| record.end.is_some())
    }

    pub(crate) fn check_end(&self) {
        for (call, record) in self.calls.iter().enumerate() {
            assert!(record.end.is_some(), "call {call} never ended: {record:?}");
        }
    }
}

fn name(kind: &ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Raised => "raised",
        ErrorKind::Refused(_) => "refused",
        ErrorKind::DeadlineExceeded => "deadline",
        ErrorKind::Disconnected => "disconnected",
        _ => "other",
    }
}

/// The error that the block of a call raises.
pub(crate) fn raised(call: Nonce) -> RemoteError {
    RemoteError::new(ErrorKind::Raised, Ran::Yes).caused_by(&std::io::Error::other(call.to_string()))
}

/// Captures or a result of this size that carry the call's name, behind the room for the header.
pub(crate) fn bytes(call: Nonce, size: usize) -> Bytes {
    let mut bytes = vec![0; HEAD + size];
    bytes[HEAD..HEAD + 8].copy_from_slice(&call.to_le_bytes());
    // The name again at the far end, so that chunks of two messages cannot be mixed up unseen.
    let end = bytes.len() - 8;
    bytes[end..].copy_from_slice(&call.to_le_bytes());
    bytes.into()
}

fn read(bytes: &[u8]) -> Nonce {
    let word = |at: usize| bytes[at..at + 8].try_into().map(u64::from_le_bytes).expect("eight bytes");
    let end = word(bytes.len() - 8);
    if bytes.len() >= 16 {
        assert_eq!(word(0), end, "the two ends of a message belong to two calls");
    }
    end
}
